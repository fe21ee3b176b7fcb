import type { Status } from 'kubernetes-types/meta/v1'
import { SpdyConnection, type SpdyStream } from '../../spdy/connection.ts'
import { headerOf } from '../../spdy/header-block.ts'
import type { ExecOptions, ExecSession, MessageSocket } from '../api.ts'
import { toStatus } from '../status.ts'
import { exitStatus, type Output, resize } from './channels.ts'

/**
 * Runs one exec or attach session over SPDY streams (remotecommand's v4): one stream per direction, told apart by their `streamtype`.
 * The process starts when every stream that the request implies has come.
 */
export async function runCommandStreams(
  socket: MessageSocket,
  options: ExecOptions,
  start: (output: Output) => ExecSession,
): Promise<void> {
  const wanted = [
    'error',
    ...(['stdin', 'stdout', 'stderr'] as const).filter((name) => options[name] && !(name === 'stderr' && options.tty)),
  ]
  if (options.tty) wanted.push('resize')
  const streams = new Map<string, SpdyStream>()
  let session: ExecSession | undefined
  const connection = new SpdyConnection(socket, 'server', (stream) => {
    const type = headerOf(stream.headers, 'streamtype') ?? ''
    if (!wanted.includes(type) || streams.has(type)) return false
    streams.set(type, stream)
    // After the reply to this last stream.
    if (streams.size === wanted.length) void Promise.resolve().then(begin)
    return true
  })

  async function begin(): Promise<void> {
    let outcome: Status
    try {
      session = start(async (name, bytes) => {
        await streams.get(name === 'stderr' && options.tty ? 'stdout' : name)?.write(bytes)
      })
      void feed(session)
      void follow(session)
      outcome = exitStatus(await session.exit)
    } catch (error) {
      outcome = toStatus(error)
    }
    await streams
      .get('error')
      ?.write(JSON.stringify(outcome))
      .catch(() => {})
    for (const stream of streams.values()) {
      stream.abandon()
      await stream.end()
    }
    await connection.close()
  }

  async function feed(running: ExecSession): Promise<void> {
    const stdin = streams.get('stdin')
    for (;;) {
      const bytes = await stdin?.read()
      if (bytes === undefined) break
      await running.stdin(bytes)
    }
    if (stdin) running.closeStdin()
  }

  async function follow(running: ExecSession): Promise<void> {
    const decoder = new TextDecoder()
    let text = ''
    for (;;) {
      const bytes = await streams.get('resize')?.read()
      if (bytes === undefined) return
      // Sizes come as a stream of JSON objects, each followed by a newline.
      text += decoder.decode(bytes, { stream: true })
      const lines = text.split('\n')
      text = lines.pop()!
      for (const line of lines) resize(running, new TextEncoder().encode(line))
    }
  }

  try {
    await connection.run()
  } finally {
    session?.close()
  }
}
