import type { Status } from 'kubernetes-types/meta/v1'
import type { MessageSocket } from '../../../simulator/apiserver/api.ts'
import type { ByteSink, ByteSource } from '../../../simulator/streams.ts'
import { PlainFailure, SilentExit } from '../cli/failure.ts'
import type { Call } from '../cli/verb.ts'
import { race } from './streaming.ts'

/** Channels of the v5.channel.k8s.io subprotocol (remotecommand). */
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 }
export const remoteProtocols = ['v5.channel.k8s.io']

export interface RemoteOptions {
  readonly stdin: boolean
  readonly tty: boolean
  readonly quiet?: boolean
  /** In place of the process's own. */
  readonly streams?: { readonly stdin?: ByteSource; readonly stdout?: ByteSink; readonly stderr?: ByteSink }
}

/**
 * Joins the process's streams with a command in a container until it ends. Returns its exit code; prints
 * `command terminated with exit code …` where that is not 0. With `tty` the terminal is raw meanwhile, and its size follows.
 */
export async function runRemote(call: Call, path: string, query: [string, string][], options: RemoteOptions): Promise<number> {
  const { socket } = await call.client().websocket(path, query, remoteProtocols)
  const { terminal } = call.process
  const restore = options.tty && terminal ? terminal.enterRaw() : undefined
  const stop = new AbortController()
  const closers: (() => void)[] = []
  try {
    if (options.tty && terminal) {
      const resize = () =>
        void send(
          socket,
          channel.resize,
          new TextEncoder().encode(JSON.stringify({ Width: terminal.columns, Height: terminal.rows })),
        ).catch(() => {})
      resize()
      const listener = terminal.onResize(resize)
      closers.push(() => listener.close())
    }
    if (options.stdin) void feed(options.streams?.stdin ?? call.process.stdin, socket, AbortSignal.any([stop.signal, call.process.signal]))
    const status = await race(
      drain({ stdout: call.process.stdout, stderr: call.process.stderr, ...options.streams }, socket),
      call.process.signal,
    )
    return await exitCode(call, status, options)
  } finally {
    stop.abort(new Error('the command has ended'))
    for (const close of closers) close()
    restore?.()
    socket.close()
  }
}

async function exitCode(call: Call, status: Status | undefined, options: RemoteOptions): Promise<number> {
  if (!status || status.status === 'Success') return 0
  if (status.reason === 'NonZeroExitCode') {
    const code = Number(status.details?.causes?.find((cause) => cause.reason === 'ExitCode')?.message ?? 1)
    if (!options.quiet) await call.err(`command terminated with exit code ${code}\n`)
    throw new SilentExit(code)
  }
  // As remotecommand's v4 decoder: the message alone, whatever the reason.
  throw new PlainFailure(`error: ${status.message ?? 'the connection was closed'}`)
}

function send(socket: MessageSocket, to: number, bytes: Uint8Array): Promise<void> {
  const message = new Uint8Array(bytes.length + 1)
  message[0] = to
  message.set(bytes, 1)
  return socket.send(message)
}

/** Copies stdin until it or the command ends. Nobody waits for it: a command may end while its input is open. */
async function feed(stdin: ByteSource, socket: MessageSocket, signal: AbortSignal): Promise<void> {
  try {
    for (;;) {
      const bytes = await stdin.read(signal)
      if (bytes === undefined) break
      await send(socket, channel.stdin, bytes)
    }
    await send(socket, channel.close, new Uint8Array([channel.stdin]))
  } catch {
    // The command has ended or the connection is gone: `drain` tells which.
  }
}

async function drain(to: { stdout: ByteSink; stderr: ByteSink }, socket: MessageSocket): Promise<Status | undefined> {
  const decoder = new TextDecoder()
  let status: Status | undefined
  for (;;) {
    const message = await socket.receive()
    if (message === undefined) return status
    const bytes = typeof message === 'string' ? new TextEncoder().encode(message) : message
    const body = bytes.subarray(1)
    if (bytes[0] === channel.stdout && body.length > 0) await to.stdout.write(body)
    else if (bytes[0] === channel.stderr && body.length > 0) await to.stderr.write(body)
    else if (bytes[0] === channel.error && body.length > 0) {
      status = JSON.parse(decoder.decode(body)) as Status
      return status
    }
  }
}
