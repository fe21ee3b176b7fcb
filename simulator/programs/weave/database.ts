import type { DaemonContext } from '../process.ts'
import { type AllocatorState, allocatorState } from './allocator.ts'
import type { WeaveLog } from './log.ts'

export const databasePath = (env: Readonly<Record<string, string>>) => `${env['DB_PREFIX'] || '/weavedb/weave-net'}data.db`

interface Saved extends Pick<AllocatorState, 'ring' | 'owned'> {
  name: string
  range: string
}

export function save({ files, env }: DaemonContext<unknown>, saved: Saved): void {
  files.write(databasePath(env), JSON.stringify(saved))
}

/** What the last run of this peer kept on the node, where it is of the same network. */
export function loaded(
  { files, env }: DaemonContext<unknown>,
  { name, nickname, range }: { name: string; nickname: string; range: string },
  log: WeaveLog,
): AllocatorState | undefined {
  const path = databasePath(env)
  const saved = files.exists(path) ? (JSON.parse(files.readText(path)) as Saved) : undefined
  const say = (message: string) => log('INFO', `[allocator ${name}] ${message}`)
  if (!saved || saved.ring.entries.length === 0) {
    say('No valid persisted data')
    return undefined
  }
  if (saved.range !== range) {
    say(`Deleting persisted data for IPAM range ${saved.range}; our range is ${range}`)
    return undefined
  }
  return { ...allocatorState(range, name, nickname), ring: saved.ring, owned: saved.owned }
}
