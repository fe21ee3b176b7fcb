import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { openDatabase } from '../database/open-database.ts'
import type { Cluster } from '../engines/engine.ts'
import { createTerminals } from './terminals.ts'

const viewer = { id: 'page', viewer: { output: () => {}, exit: () => {} }, columns: 80, rows: 24 }

function cluster(exit: Promise<number>): Cluster {
  const stream = { input: () => {}, resize: () => {}, close: () => {}, exit }
  return { openTerminal: async () => stream } as unknown as Cluster
}

it('refuses a shell that ends as soon as it starts, and opens the next one', async () => {
  const { database, close } = await openDatabase(mkdtempSync(join(tmpdir(), 'data-')))
  const onTrouble = vi.fn()
  const terminals = createTerminals(database, onTrouble)
  const at = { session: 'abc', terminal: 'one' }
  await expect(terminals.join(at, cluster(Promise.resolve(137)), viewer, () => {})).rejects.toMatchObject({ code: 'terminal-ended' })
  expect(terminals.running('abc', 'one')).toBeUndefined()
  await terminals.join(at, cluster(new Promise(() => {})), viewer, () => {})
  expect(terminals.running('abc', 'one')).toBeDefined()
  expect(onTrouble).not.toHaveBeenCalled()
  await terminals.close()
  await close()
})
