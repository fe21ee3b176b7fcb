import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Libsql from 'libsql'
import { Refused } from '../refused.ts'

/** ms to wait for a server that is just going down, as in a restart. */
const patience = 800

/**
 * Keeps two servers from one data folder. The lock is an exclusive transaction on a database file of its own: the operating system
 * drops it with the process, kill -9 included, so that none is ever stale. The pid beside it is only for the message.
 */
export async function lockFolder(folder: string): Promise<{ release(): void }> {
  const pidFile = join(folder, 'server.pid')
  const connection = new Libsql(join(folder, 'server.lock'))
  for (const started = performance.now(); ; ) {
    try {
      connection.exec('BEGIN EXCLUSIVE')
      break
    } catch (error) {
      if ((error as { code?: string }).code !== 'SQLITE_BUSY') {
        connection.close()
        throw error
      }
      if (performance.now() - started > patience) {
        connection.close()
        throw new Refused('data-locked', `Another Faultline server${holder(pidFile)} uses the data folder ${folder}.`, {
          mend: 'Stop that one first, or choose another folder with --data <folder>.',
          status: 500,
        })
      }
      await sleep(50)
    }
  }
  writeFileSync(pidFile, `${process.pid}\n`)
  return {
    release() {
      rmSync(pidFile, { force: true })
      connection.exec('ROLLBACK')
      connection.close()
    },
  }
}

function holder(pidFile: string): string {
  try {
    return ` (process ${Number(readFileSync(pidFile, 'utf8'))})`
  } catch {
    return ''
  }
}
