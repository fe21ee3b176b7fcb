import { fileURLToPath } from 'node:url'
import { messageOf, Refused } from '../../server/refused.ts'

/** A command gets its arguments and resolves with the exit code. */
type Command = (argv: readonly string[]) => Promise<number>

/** Loaded when asked for, so that no command waits for the others' parts. */
const commands: Readonly<Record<string, { readonly summary: string; readonly run: Command }>> = {
  start: { summary: 'start the server', run: async (argv) => (await import('./start.ts')).start(argv) },
  lab: { summary: 'list, test or scaffold labs', run: async (argv) => (await import('./lab.ts')).lab(argv) },
  simulate: {
    summary: 'start a bare simulated cluster for kubectl',
    run: async (argv) => (await import('./simulate.ts')).simulateCommand(argv),
  },
  manifests: {
    summary: 'print the manifests of a network plugin',
    run: async (argv) => (await import('./manifests.ts')).manifests(argv),
  },
}

const usage = `Usage: faultline <command> [options]

${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`)
  .join('\n')}

\`faultline <command> --help\` tells more about one.
`

/** Runs the command line; what a person can mend is one sentence and the mend on stderr. */
export async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    if (name === 'help' && rest[0] !== undefined) return main([rest[0], '--help'])
    process.stdout.write(usage)
    return name === undefined ? 2 : 0
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  try {
    if (command === undefined) {
      throw new Refused('unknown-command', `There is no command "${name}".`, { mend: `Commands: ${Object.keys(commands).join(', ')}.` })
    }
    return await command.run(rest)
  } catch (error) {
    if (error instanceof Refused) {
      process.stderr.write(`faultline: ${error.message}\n${error.mend === undefined ? '' : `  ${error.mend}\n`}`)
      return error.code === 'unknown-command' || error.code === 'bad-flag' ? 2 : 1
    }
    process.stderr.write(`faultline: something unexpected went wrong: ${error instanceof Error ? error.stack : messageOf(error)}\n`)
    return 1
  }
}

/**
 * Runs the command line as this process. What a failure left open (a thread, a socket) must not keep the process: nobody would know
 * what it waits for.
 */
export async function run(argv: readonly string[]): Promise<void> {
  process.exitCode = await main(argv)
  setTimeout(() => process.exit(), 1000).unref()
}

// Started directly, as the development server does: `node --import ./scripts/typescript.mjs scripts/cli/main.ts start`.
if (process.argv[1] === fileURLToPath(import.meta.url)) await run(process.argv.slice(2))
