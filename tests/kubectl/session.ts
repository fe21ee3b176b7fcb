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

/** The words of a command line. Quotes count at the beginning of a word and behind `=`; others are the word's own (`-p {"spec":{}}`). */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(/(?:(?<=^|\s|=)(?:"[^"]*"|'[^']*')|\S)+/g)].map(([word]) =>
    word.replaceAll(/(^|=)(?:"([^"]*)"|'([^']*)')/g, (_, before, double, single) => before + (double ?? single)),
  )
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
    const words = wordsOf(line)
    return new Promise((resolve, reject) => {
      const child = spawn(program, words, {
        cwd: folder,
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

  /** Starts a command line that goes on by itself; `said` waits for what it prints, on either output. */
  function background(line: string, more: Record<string, string> = {}) {
    const child = spawn(binary, line.split(' '), {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder, KUBECONFIG: kubeconfig, ...more },
    })
    let text = ''
    const listeners = new Set<() => void>()
    const hear = (bytes: Buffer) => {
      text += bytes.toString()
      for (const listener of [...listeners]) listener()
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    const ended = new Promise<number>((resolve) => {
      child.on('close', (code) => {
        resolve(code ?? -1)
        for (const listener of [...listeners]) listener()
      })
    })
    return {
      text: () => text,
      ended,
      said: (pattern: RegExp, seconds = 20) =>
        new Promise<RegExpExecArray>((resolve, reject) => {
          const timer = setTimeout(() => reject(new Error(`${line} did not say ${pattern} within ${seconds} s: ${text}`)), seconds * 1000)
          const look = () => {
            const match = pattern.exec(text)
            if (!match) return
            clearTimeout(timer)
            listeners.delete(look)
            resolve(match)
          }
          listeners.add(look)
          look()
        }),
      write: (bytes: string) => child.stdin.write(bytes),
      endInput: () => child.stdin.end(),
      stop: () => {
        child.kill('SIGINT')
        return ended
      },
    }
  }

  return {
    kubectl,
    background,
    kubeconfig,
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
