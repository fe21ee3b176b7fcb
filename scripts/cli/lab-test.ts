import { setMaxListeners } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngines } from '../../server/app/engines.ts'
import type { ClusterEngine } from '../../server/engines/engine.ts'
import { clusterSpecOf, type Lab, runsOn } from '../../server/labs/lab.ts'
import { describeProblem } from '../../server/labs/problems.ts'
import { type LabRead, readLabs } from '../../server/labs/read-lab.ts'
import { messageOf, Refused } from '../../server/refused.ts'
import { type LabProof, proveLab } from '../../server/sessions/prove-lab.ts'
import { interrupted } from './interrupt.ts'
import { junit } from './junit.ts'
import { type LabFlags, readLabFlags } from './lab-flags.ts'
import { table } from './table.ts'

/** `faultline lab test`: every lab, on every engine that is available and that the lab lists. */
export async function testLabs(argv: readonly string[]): Promise<number> {
  const flags = readLabFlags(argv)
  const read = chosen(await readLabs(flags.labs), flags)
  if (flags.junit !== undefined) await writeReport(flags.junit, [])
  if (read.length === 0) throw new Refused('no-labs', `There are no labs in ${flags.labs}.`, { mend: 'Name a folder of labs with --labs.' })
  const life = new AbortController()
  setMaxListeners(0, life.signal)
  void interrupted().then(() => life.abort(new Error('interrupted')))
  const data = await mkdtemp(join(tmpdir(), 'faultline-test-'))
  const engines = await createEngines({
    data,
    shapes: [],
    apiPort: 0,
    host: '127.0.0.1',
    report: (what, error) => process.stderr.write(`faultline: ${what}: ${messageOf(error)}\n`),
  })
  try {
    const proofs = await proveAll(
      read,
      engines,
      flags.budget,
      life.signal,
      flags.json ? () => {} : (proof) => process.stdout.write(describeProof(proof)),
    )
    const failed = proofs.filter((proof) => proof.proofs.some((each) => each.problems.length > 0))
    if (life.signal.aborted) process.stderr.write('faultline: interrupted; what was not proven by then is left out.\n')
    if (flags.json) process.stdout.write(`${JSON.stringify({ labs: proofs, failed: failed.length }, undefined, 2)}\n`)
    else process.stdout.write(`\n${proofs.length - failed.length} of ${proofs.length} labs are sound.\n`)
    if (flags.junit !== undefined) await writeReport(flags.junit, proofs)
    if (life.signal.aborted) return 130
    return failed.length === 0 ? 0 : 1
  } finally {
    for (const engine of engines) await engine.close()
    await rm(data, { recursive: true, force: true })
  }
}

function chosen(labs: readonly LabRead[], { ids, labs: folder }: LabFlags): readonly LabRead[] {
  const unknown = ids.filter((id) => !labs.some((lab) => lab.id === id))
  if (unknown.length > 0) {
    throw new Refused('unknown-lab', `There is no lab ${unknown.join(', ')} in ${folder}.`, {
      mend: `Labs: ${labs.map((lab) => lab.id).join(', ') || 'none'}.`,
    })
  }
  return ids.length === 0 ? labs : labs.filter((lab) => ids.includes(lab.id))
}

/** Also written before anything runs: minutes of proving must not end in a folder that is not there. */
async function writeReport(path: string, proofs: readonly LabProof[]): Promise<void> {
  try {
    await writeFile(path, junit(proofs))
  } catch (error) {
    throw new Refused('report-unwritable', `The report cannot be written to ${path}: ${messageOf(error)}.`, {
      mend: 'Choose another file with --junit.',
      cause: error,
    })
  }
}

async function proveAll(
  read: readonly LabRead[],
  engines: readonly ClusterEngine[],
  budget: number,
  life: AbortSignal,
  onProof: (proof: LabProof) => void,
): Promise<LabProof[]> {
  const queue: (() => Promise<LabProof>)[] = []
  for (const each of read) {
    if ('problems' in each) {
      const problems = each.problems.map(describeProblem)
      queue.push(async () => ({ lab: each.id, engine: 'none', proofs: [{ stage: 'files', problems, elapsed: 0 }] }))
      continue
    }
    for (const engine of engines) {
      if (!runsOn(each.lab, engine.name) || !(await engine.availability()).available) continue
      queue.push(() => proveWithin(each.lab, engine, budget, life))
    }
    if (!engines.some((engine) => runsOn(each.lab, engine.name))) {
      const problems = [`none of its engines is part of this version (${each.lab.file.engines.join(', ')})`]
      queue.push(async () => ({ lab: each.id, engine: 'none', proofs: [{ stage: 'engine', problems, elapsed: 0 }] }))
    }
  }
  const done: LabProof[] = []
  await Promise.all(
    Array.from({ length: Math.min(4, availableParallelism()) }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const proof = await next()
        if (life.aborted) return
        done.push(proof)
        onProof(proof)
      }
    }),
  )
  return done.sort((a, b) => (a.lab < b.lab ? -1 : 1))
}

async function proveWithin(lab: Lab, engine: ClusterEngine, budget: number, life: AbortSignal): Promise<LabProof> {
  const support = engine.supports(clusterSpecOf(lab, 1))
  if (!support.supported)
    return { lab: lab.id, engine: engine.name, proofs: [{ stage: 'engine', problems: [support.message], elapsed: 0 }] }
  const proofs: LabProof['proofs'][number][] = []
  const began = performance.now()
  try {
    return await proveLab(lab, engine, (proof) => proofs.push(proof), AbortSignal.any([life, AbortSignal.timeout(budget * 1000)]))
  } catch (error) {
    const over = performance.now() - began >= budget * 1000
    const problem = over ? `the lab takes longer than its budget of ${budget} s` : messageOf(error)
    return {
      lab: lab.id,
      engine: engine.name,
      proofs: [...proofs, { stage: 'budget', problems: [problem], elapsed: Math.round(performance.now() - began) }],
    }
  }
}

function describeProof({ lab, engine, proofs }: LabProof): string {
  const rows = proofs.map((proof) => [
    `  ${proof.problems.length === 0 ? 'ok' : 'FAILED'}`,
    proof.stage,
    `${(proof.elapsed / 1000).toFixed(2)} s`,
  ])
  const problems = proofs.flatMap((proof) => proof.problems.map((problem) => `  ${proof.stage}: ${problem}\n`))
  return `${lab} on ${engine}\n${table(rows)}${problems.join('')}`
}
