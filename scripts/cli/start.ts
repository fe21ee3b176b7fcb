import { readConfig, startUsage } from '../../server/app/config.ts'
import { createEngines } from '../../server/app/engines.ts'
import { startServer } from '../../server/app/start-server.ts'
import { interrupted } from './interrupt.ts'
import { root } from './root.ts'

export async function start(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(startUsage)
    return 0
  }
  const config = readConfig(argv, process.env, root)
  const stop = interrupted()
  const server = await startServer(config, createEngines)
  for (const problem of server.labProblems) process.stderr.write(`faultline: ${problem}\n`)
  process.stdout.write(`Faultline is ready: ${server.url}\n`)
  await stop
  await server.close()
  return 0
}
