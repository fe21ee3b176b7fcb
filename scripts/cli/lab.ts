import { Refused } from '../../server/refused.ts'

export const labUsage = `Usage: faultline lab <command> [options]

  list                     the labs that there are, and what is wrong with broken ones
  test [id…]               prove that labs are sound: all of them, or those named
    --json                 print JSON instead of a table
    --junit <file>         write a JUnit report too
    --budget <seconds>     the most that one lab may take (120)
  new <id>                 write a new lab to start from

  --labs <folder>          folder of labs (FAULTLINE_LABS, the ones that come along)
`

export async function lab(argv: readonly string[]): Promise<number> {
  const [command, ...rest] = argv
  if (command === undefined || argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(labUsage)
    return command === undefined ? 2 : 0
  }
  if (command === 'list') return (await import('./lab-list.ts')).listLabs(rest)
  if (command === 'test') return (await import('./lab-test.ts')).testLabs(rest)
  if (command === 'new') return (await import('./lab-new.ts')).newLab(rest)
  throw new Refused('unknown-command', `There is no command "lab ${command}".`, { mend: 'Commands: list, test, new.' })
}
