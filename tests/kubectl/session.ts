import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSimulatedEngine } from '../../server/engines/simulated/engine.ts'
import { type KubectlVersion, realKubectl } from '../real-kubectl.ts'

export interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface RunOptions {
  readonly input?: string
  readonly env?: Record<string, string>
  readonly stopAfter?: RegExp
}

/** A simulated cluster behind HTTPS, and a real kubectl pointed at it. */
export async function kubectlSession(version: KubectlVersion) {
  const binary = realKubectl(version)
  const folder = mkdtempSync(join(tmpdir(), 'faultline-kubectl-'))
  const defects: string[] = []
  const engine = createSimulatedEngine({ folder, report: ({ what, error }) => defects.push(`${what}: ${String(error)}`) })
  const cluster = await engine.create(
    'test',
    { nodes: 3, cni: 'kindnet', kubernetes: '1.34', seed: 7 },
    () => {},
    new AbortController().signal,
  )
  const kubeconfig = join(folder, 'kubeconfig')
  writeFileSync(kubeconfig, await cluster.kubeconfigText('learner'), { mode: 0o600 })

  /** Runs one command line (words split at spaces, quotes kept together); `input` goes to standard input. */
  function kubectl(line: string, options: RunOptions = {}): Promise<Outcome> {
    return run(binary, line, options)
  }

  /** The same for another client of the cluster. */
  function run(program: string, line: string, options: RunOptions = {}): Promise<Outcome> {
    const words = [...line.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) =>
      word.replaceAll(/"([^"]*)"|'([^']*)'/g, (_, double, single) => double ?? single),
    )
    return new Promise((resolve, reject) => {
      const child = spawn(program, words, {
        env: { PATH: process.env['PATH'], HOME: folder, KUBECONFIG: kubeconfig, ...options.env },
        timeout: 30_000,
      })
      let out = ''
      let err = ''
      child.stdout.on('data', (bytes: Buffer) => {
        out += bytes.toString()
        if (options.stopAfter?.test(out)) child.kill('SIGINT')
      })
      child.stderr.on('data', (bytes: Buffer) => {
        err += bytes.toString()
      })
      child.on('error', reject)
      child.on('close', (code) => resolve({ code: code ?? -1, out, err }))
      child.stdin.on('error', () => {})
      child.stdin.end(options.input ?? '')
    })
  }

  return {
    kubectl,
    run,
    cluster,
    folder,
    defects,
    async close() {
      await engine.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Repeats until `holds`, at most `seconds`; the last outcome is returned either way. */
export async function eventually(run: () => Promise<Outcome>, holds: (outcome: Outcome) => boolean, seconds = 10): Promise<Outcome> {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const outcome = await run()
    if (holds(outcome) || Date.now() > end) return outcome
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
