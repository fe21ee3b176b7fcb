import type { ExecOptions, ExecSession } from '../apiserver/api.ts'
import type { Signal } from '../programs/process.ts'
import { BrokenPipe, type ByteSink, Pipe } from '../streams.ts'
import { Terminal } from '../terminal.ts'
import { kubeletError } from './kubelet-error.ts'
import { liveContainer } from './pod-lookup.ts'
import { lookupMessage } from './runtime/programs.ts'
import { runProcess } from './runtime/run-process.ts'
import type { Kubelet } from './world.ts'

type Output = (stream: 'stdout' | 'stderr', bytes: Uint8Array) => Promise<void>
const encoder = new TextEncoder()
const bytesOf = (data: Uint8Array | string) => (typeof data === 'string' ? encoder.encode(data) : data)

/**
 * `kubectl exec`. Throws where there is no such container; a command that cannot be executed rejects `exit`, as the real one
 * fails after the streams are up, with containerd's words.
 */
export function startExec(kubelet: Kubelet, namespace: string, pod: string, options: ExecOptions, output: Output): ExecSession {
  const live = liveContainer(kubelet, namespace, pod, options.container)
  const gone = new AbortController()
  const deliver: Output = async (stream, bytes) => {
    if (gone.signal.aborted) throw new BrokenPipe()
    await output(stream, bytes)
  }
  let kill: (signal: Signal) => void = () => {}
  const terminal = options.tty ? new Terminal({ columns: 80, rows: 24 }, (bytes) => deliver('stdout', bytes)) : undefined
  if (terminal) terminal.foreground = (signal) => kill(signal)
  const stdin = new Pipe()
  const sink = (stream: 'stdout' | 'stderr', wanted: boolean): ByteSink => ({
    write: (data) => (wanted ? deliver(stream, bytesOf(data)) : Promise.resolve()),
  })
  const env = { ...live.place.env, ...(terminal ? { TERM: 'xterm' } : {}) }
  const running = runProcess(
    live.place,
    options.command,
    terminal ? { env, terminal } : { env, stdin, stdout: sink('stdout', options.stdout), stderr: sink('stderr', options.stderr) },
  )
  if (!options.stdin) {
    stdin.end()
    if (terminal) terminal.hangUp()
  }
  if ('problem' in running) {
    const problem = lookupMessage(options.command[0] ?? '', running.problem)
    const message = `error executing command in container: failed to exec in container: failed to start exec "${kubelet.world.random.hex(64)}": OCI runtime exec failed: exec failed: unable to start container process: ${problem}: unknown`
    const exit = Promise.reject(kubeletError('InternalError', `Internal error occurred: ${message}`))
    exit.catch(() => {})
    return { stdin: async () => {}, closeStdin() {}, resize() {}, close() {}, exit }
  }
  kill = (signal) => running.kill(signal)
  return {
    async stdin(bytes) {
      if (bytes.length === 0 || !options.stdin) return
      if (terminal) terminal.input(bytes)
      else await stdin.write(bytes).catch(ignoreBrokenPipe)
    },
    closeStdin() {
      if (terminal) terminal.hangUp()
      else stdin.end()
    },
    resize(columns, rows) {
      terminal?.resize(columns, rows)
    },
    close() {
      gone.abort()
      stdin.abandon()
      // The end of the stream kills the process it was for.
      running.kill(terminal ? 'SIGHUP' : 'SIGKILL')
    },
    exit: running.exit,
  }
}

/** `kubectl attach`: the main process's own streams; ends with it, without its exit code, which the runtime does not tell an attached client. */
export function startAttach(kubelet: Kubelet, namespace: string, pod: string, options: ExecOptions, output: Output): ExecSession {
  const live = liveContainer(kubelet, namespace, pod, options.container)
  if (options.tty && !live.terminal)
    throw kubeletError('BadRequest', `container ${live.container} was not started with a terminal (tty: true)`)
  const { attached, followers, instance } = live
  let finish: () => void = () => {}
  const exit = new Promise<number>((resolve) => {
    finish = () => resolve(0)
  })
  const send: Output = async (stream, bytes) => {
    if (stream === 'stdout' ? options.stdout : options.stderr) await output(stream, bytes).catch(ignoreBrokenPipe)
  }
  const ended = () => {
    if (instance.ended) detach()
  }
  const detach = () => {
    attached.delete(send)
    followers.delete(ended)
    finish()
  }
  attached.add(send)
  followers.add(ended)
  return {
    async stdin(bytes) {
      if (!options.stdin || bytes.length === 0) return
      if (live.terminal) live.terminal.input(bytes)
      else await live.stdin?.write(bytes).catch(ignoreBrokenPipe)
    },
    closeStdin() {
      live.stdin?.end()
    },
    resize(columns, rows) {
      live.terminal?.resize(columns, rows)
    },
    close: detach,
    exit,
  }
}

function ignoreBrokenPipe(error: unknown): void {
  if (!(error instanceof BrokenPipe)) throw error
}
