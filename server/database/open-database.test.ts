import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import Libsql from 'libsql'
import { describe, expect, it } from 'vitest'
import { bestScores, recordAttempt } from './attempts.ts'
import { openDatabase } from './open-database.ts'
import { insertSession, openSessions, updateSession } from './sessions.ts'
import { findTerminal, saveTerminal } from './terminals.ts'

const folder = () => mkdtempSync(join(tmpdir(), 'data-'))

const row = {
  id: 'abc',
  lab: 'sample',
  engine: 'simulated',
  spec_json: '{}',
  cluster: 'abc',
  state: 'provisioning',
  created_at: '2026-01-01T00:00:00.000Z',
  ready_at: null,
  ended_at: null,
  steps_json: '[]',
  results_json: '[]',
  baseline_json: null,
  failure_json: null,
  hints_revealed: 0,
}

describe('the data folder', () => {
  it('keeps what was written over a restart', async () => {
    const data = folder()
    const first = await openDatabase(data)
    await insertSession(first.database, row)
    await updateSession(first.database, 'abc', { state: 'ready' })
    await saveTerminal(first.database, { session: 'abc', terminal: '1', screen: 'a', columns: 80, rows: 24, offset: 1 })
    await saveTerminal(first.database, { session: 'abc', terminal: '1', screen: 'b', columns: 80, rows: 24, offset: 2 })
    await first.close()
    const second = await openDatabase(data)
    expect(await openSessions(second.database)).toEqual([{ ...row, state: 'ready' }])
    expect(await findTerminal(second.database, 'abc', '1')).toMatchObject({ screen: 'b', offset: 2 })
    await second.close()
  })

  it('answers the best score of each lab, and records a session once', async () => {
    const { database, close } = await openDatabase(folder())
    const attempt = { session: 'a', lab: 'x', finished_at: 'now', earned: 40, possible: 100, hint_cost: 0, took: 1 }
    await recordAttempt(database, attempt)
    await recordAttempt(database, { ...attempt, earned: 99 })
    await recordAttempt(database, { ...attempt, session: 'b', earned: 70 })
    expect([...(await bestScores(database))]).toEqual([['x', 70]])
    await close()
  })

  it('says which file is damaged: the database or the lock', async () => {
    for (const file of ['faultline.db', 'server.lock']) {
      const data = folder()
      writeFileSync(join(data, file), 'x'.repeat(5000))
      await expect(openDatabase(data)).rejects.toMatchObject({
        code: 'database-broken',
        message: expect.stringContaining(join(data, file)),
      })
    }
  })

  it('refuses a second server', async () => {
    const data = folder()
    const first = await openDatabase(data)
    await expect(openDatabase(data)).rejects.toMatchObject({
      code: 'data-locked',
      message: expect.stringContaining(`process ${process.pid}`),
    })
    await first.close()
    await (await openDatabase(data)).close()
  })

  it('takes over the lock of a server that was killed', async () => {
    const data = folder()
    // The lock by itself, as another process holds it.
    const code = `const D = require('libsql'); const d = new D(${JSON.stringify(join(data, 'server.lock'))}); d.exec('BEGIN EXCLUSIVE'); console.log('held'); setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'], cwd: import.meta.dirname })
    await new Promise((resolve) => child.stdout.once('data', resolve))
    await expect(openDatabase(data)).rejects.toMatchObject({ code: 'data-locked' })
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
    await (await openDatabase(data)).close()
  })

  it('refuses a folder of a newer version, and one that is none', async () => {
    const data = folder()
    await (await openDatabase(data)).close()
    const connection = new Libsql(join(data, 'faultline.db'))
    connection.exec('PRAGMA user_version = 999')
    connection.close()
    await expect(openDatabase(data)).rejects.toMatchObject({ code: 'newer-schema' })
    const file = join(folder(), 'file')
    writeFileSync(file, '')
    await expect(openDatabase(file)).rejects.toMatchObject({ code: 'data-unwritable', message: expect.stringContaining('not a folder') })
  })

  it.skipIf(process.getuid?.() === 0)('refuses a folder that it may not write', async () => {
    const data = folder()
    chmodSync(data, 0o500)
    await expect(openDatabase(data)).rejects.toMatchObject({ code: 'data-unwritable', mend: expect.stringContaining('--data') })
  })

  it('says that the disk is full, and goes on when it is not any more', async () => {
    const { database, close } = await openDatabase(folder())
    await insertSession(database, row)
    const screen = 'x'.repeat(1_000_000)
    const save = () => saveTerminal(database, { session: 'abc', terminal: '1', screen, columns: 80, rows: 24, offset: 1 })
    await sql`PRAGMA max_page_count = 20`.execute(database)
    await expect(save()).rejects.toMatchObject({ code: 'disk-full', mend: expect.stringContaining('Free some space') })
    await sql`PRAGMA max_page_count = 100000`.execute(database)
    await save()
    await close()
  })

  it('refuses a file that is no database', async () => {
    const data = folder()
    writeFileSync(join(data, 'faultline.db'), 'not a database at all, only some text'.repeat(100))
    await expect(openDatabase(data)).rejects.toMatchObject({ code: 'database-broken' })
  })
})
