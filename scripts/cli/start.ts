import { setTimeout as sleep } from 'node:timers/promises'
import { readConfig, startUsage } from '../../server/app/config.ts'
import { createEngines } from '../../server/app/engines.ts'
import { startServer } from '../../server/app/start-server.ts'
import { interrupted } from './interrupt.ts'
import { root } from './root.ts'

/** ms for everything to be stored and closed; a container is killed after ten seconds. */
const patience = 8000

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
  const closed = await Promise.race([server.close().then(() => true), sleep(patience, false, { ref: false })])
  if (closed) return 0
  process.stderr.write(
    `faultline: something did not stop within ${patience / 1000} s and was left; sessions go on from what was saved last.\n`,
  )
  return 1
}
