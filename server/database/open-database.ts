import { accessSync, constants, mkdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely'
import Libsql from 'libsql'
import { messageOf, Refused } from '../refused.ts'
import { lockFolder } from './lock-folder.ts'
import { migrations, type Tables } from './schema.ts'

export type Database = Kysely<Tables>

export interface OpenDatabase {
  readonly database: Database
  /** The data folder, absolute. */
  readonly folder: string
  close(): Promise<void>
}

/**
 * Opens the data folder, making it where it is missing: takes its lock, opens its database and brings that to this version's schema.
 * Refuses with `data-unwritable`, `data-locked`, `newer-schema`, `disk-full` or `database-broken`.
 */
export async function openDatabase(path: string): Promise<OpenDatabase> {
  const folder = resolve(path)
  prepareFolder(folder)
  const lock = await lockFolder(folder).catch((error: unknown) => {
    throw worded(error, folder, 'server.lock')
  })
  try {
    const connection = new Libsql(join(folder, 'faultline.db'))
    try {
      connection.exec('PRAGMA journal_mode = WAL')
      connection.exec('PRAGMA synchronous = NORMAL')
      connection.exec('PRAGMA foreign_keys = ON')
      migrate(connection, folder)
    } catch (error) {
      connection.close()
      throw error
    }
    const database = new Kysely<Tables>({ dialect: new SqliteDialect({ database: wordErrors(connection, folder) }) })
    let closed = false
    return {
      database,
      folder,
      async close() {
        if (closed) return
        closed = true
        await database.destroy()
        lock.release()
      },
    }
  } catch (error) {
    lock.release()
    throw worded(error, folder)
  }
}

function prepareFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
    if (!statSync(folder).isDirectory()) throw new Error('it is not a folder')
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOSPC') throw worded(error, folder)
    const reason =
      code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
        ? 'it is not writable'
        : code === 'EEXIST' || code === 'ENOTDIR'
          ? 'it is not a folder'
          : messageOf(error)
    throw new Refused('data-unwritable', `The data folder ${folder} cannot be used: ${reason}.`, {
      mend: 'Give it to the user who runs the server, or choose another with --data <folder>.',
      status: 500,
      cause: error,
    })
  }
}

function migrate(connection: Libsql.Database, folder: string): void {
  const [row] = connection.prepare('PRAGMA user_version').all([]) as { user_version: number }[]
  const version = row?.user_version ?? 0
  if (version > migrations.length) {
    throw new Refused(
      'newer-schema',
      `The data folder ${folder} was written by a newer Faultline (schema ${version}; this one knows ${migrations.length}).`,
      { mend: 'Run that newer version, or choose another folder with --data <folder>.', status: 500 },
    )
  }
  for (let next = version; next < migrations.length; next++) {
    connection.exec('BEGIN IMMEDIATE')
    try {
      connection.exec(migrations[next] ?? '')
      connection.exec(`PRAGMA user_version = ${next + 1}`)
      connection.exec('COMMIT')
    } catch (error) {
      connection.exec('ROLLBACK')
      throw error
    }
  }
}

/** libsql has better-sqlite3's interface, which Kysely's dialect asks for; errors are worded for people on their way up. */
function wordErrors(connection: Libsql.Database, folder: string): SqliteDatabase {
  function guarded<T>(run: () => T): T {
    try {
      return run()
    } catch (error) {
      throw worded(error, folder)
    }
  }
  return {
    close: () => {
      connection.close()
    },
    prepare(sql) {
      const statement = guarded(() => connection.prepare(sql))
      return {
        reader: statement.reader,
        all: (parameters) => guarded(() => statement.all(parameters as unknown[])),
        run: (parameters) => guarded(() => statement.run(parameters as unknown[])),
        iterate: (parameters) => guarded(() => statement.iterate(parameters as unknown[])) as IterableIterator<unknown>,
      }
    },
  }
}

export function wordDiskFull(error: unknown, folder: string): Refused {
  return new Refused('disk-full', `The disk that holds ${folder} is full; the last change was not saved.`, {
    mend: 'Free some space; the server goes on by itself.',
    status: 507,
    cause: error,
  })
}

function worded(error: unknown, folder: string, file = 'faultline.db'): unknown {
  if (error instanceof Refused) return error
  const { code = '' } = error as { code?: string }
  const text = messageOf(error)
  if (code === 'SQLITE_FULL' || code === 'ENOSPC' || /disk is full/.test(text)) {
    return wordDiskFull(error, folder)
  }
  if (
    ['SQLITE_READONLY', 'SQLITE_CANTOPEN', 'SQLITE_IOERR', 'EACCES', 'EPERM', 'EROFS'].includes(code) ||
    /ConnectionFailed|readonly/.test(text)
  ) {
    return new Refused('data-unwritable', `The database in ${folder} cannot be written.`, {
      mend: 'Give the folder and its files to the user who runs the server, or choose another with --data <folder>.',
      status: 500,
      cause: error,
    })
  }
  if (code === 'SQLITE_NOTADB' || code === 'SQLITE_CORRUPT') {
    return new Refused('database-broken', `The file ${join(folder, file)} is no readable database.`, {
      mend: file === 'server.lock' ? 'Delete it; it holds nothing.' : 'Restore it from a copy, or move it away to start afresh.',
      status: 500,
      cause: error,
    })
  }
  return error
}
