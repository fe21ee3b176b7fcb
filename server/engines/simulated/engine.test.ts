import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { describeEngine } from '../contract.ts'
import { createSimulatedEngine } from './engine.ts'

const folder = mkdtempSync(join(tmpdir(), 'faultline-engine-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describeEngine('simulated', () => createSimulatedEngine({ folder }), { patience: 30_000 })
