import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createFakeEngine } from '../engines/fake-engine.ts'
import { sampleNetwork } from '../engines/sample-network.ts'
import { readLab } from '../labs/read-lab.ts'
import { sampleLab, writeSampleLab } from '../labs/sample-lab.ts'
import { proveLab } from './prove-lab.ts'

async function prove(changes: Record<string, string | undefined> = {}, checkpoints = true) {
  const folder = mkdtempSync(join(tmpdir(), 'labs-'))
  writeSampleLab(folder, 'sample', changes)
  const read = await readLab(folder, 'sample')
  if (!('lab' in read)) throw new Error(JSON.stringify(read))
  const engine = createFakeEngine({ probe: sampleNetwork, checkpoints })
  const { proofs } = await proveLab(read.lab, engine)
  expect(engine.disk.size).toBe(0)
  await engine.close()
  return Object.fromEntries(proofs.map((proof) => [proof.stage, proof.problems]))
}

const quick = (sampleLab['lab.yaml'] ?? '').replace(/test: .*/, 'test: { ready: 0.7, armed: 0.7, solved: 0.7, settle: 0.2 }')

describe('the proof of a lab', () => {
  it.each([true, false])('holds for a sound one (checkpoints: %s)', async (checkpoints) => {
    expect(await prove({}, checkpoints)).toEqual({ world: [], fault: [], 'solution patch': [], 'wrong fix scale': [] })
  })

  it('finds a world that is not healthy', async () => {
    const world = (sampleLab['world/shop.yaml'] ?? '').replace('targetPort: 8080', 'targetPort: 8079')
    expect(await prove({ 'lab.yaml': quick.replace('ready: 0.7', 'ready: 1'), 'world/shop.yaml': world })).toEqual({
      world: [expect.stringContaining('web-answers must pass in the healthy world'), expect.stringContaining('port-right')],
    })
  })

  it('finds a fault that does not show', async () => {
    const proofs = await prove({ 'lab.yaml': quick, 'fault/service.yaml': undefined, 'fault/nothing.sh': 'echo nothing' })
    expect(proofs['fault']).toEqual([
      expect.stringContaining('web-answers must fail before the repair, but passes'),
      expect.stringContaining('port-right'),
    ])
  })

  it('finds a solution that does not solve, or that breaks', async () => {
    const proofs = await prove({ 'lab.yaml': quick, 'solutions/patch.sh': 'echo nothing', 'solutions/second.sh': 'fail no such file' })
    expect(proofs['solution patch']).toEqual([
      expect.stringContaining('web-answers must pass after the solution, but it is failed'),
      expect.anything(),
    ])
    expect(proofs['solution second']).toEqual([
      expect.stringContaining('solutions/second.sh of the lab sample ended with exit code 1: no such file'),
    ])
  })

  it('finds a wrong fix that its check does not catch', async () => {
    const proofs = await prove({ 'lab.yaml': quick, 'wrong-fixes/scale.sh': '# caught-by: kept\necho harmless' })
    expect(proofs['wrong fix scale']).toEqual([expect.stringContaining('the check kept must fail, but it is passed')])
  })
})
