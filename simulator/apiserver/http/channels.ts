import type { Status } from 'kubernetes-types/meta/v1'
import type { ExecOptions, ExecSession, KubeletApi, MessageSocket } from '../api.ts'
import { toStatus } from '../status.ts'

/** Bytes that lead each message of the remote command protocols (apimachinery's remotecommand constants). */
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const

/** Newest first: `close` exists only in v5. */
export const commandProtocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export function framed(which: number, bytes: Uint8Array): Uint8Array {
  const message = new Uint8Array(bytes.length + 1)
  message[0] = which
  message.set(bytes, 1)
  return message
}

export function exitStatus(code: number): Status {
  if (code === 0) return { metadata: {}, status: 'Success' }
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: command terminated with exit code ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  }
}

export type Output = Parameters<KubeletApi['exec']>[3]

/** Runs one exec or attach session over a WebSocket until the process has ended or the client has gone. */
export async function runCommand(socket: MessageSocket, options: ExecOptions, start: (output: Output) => ExecSession): Promise<void> {
  const send = (which: number, bytes: Uint8Array) => socket.send(framed(which, bytes))
  const status = (value: Status) => send(channel.error, encoder.encode(JSON.stringify(value)))
  // Tells the client, before the process says anything, that it is connected.
  await send(options.stdout ? channel.stdout : options.stderr ? channel.stderr : channel.error, new Uint8Array())
  let session: ExecSession
  try {
    session = start(async (stream, bytes) => {
      if (stream === 'stderr' && options.tty) stream = 'stdout'
      if (stream === 'stdout' ? options.stdout : options.stderr) await send(channel[stream], bytes)
    })
  } catch (error) {
    await status(toStatus(error))
    return socket.close(1000)
  }

  let clientGone = false
  const reading = (async () => {
    for (;;) {
      const message = await socket.receive()
      if (message === undefined) break
      const bytes = typeof message === 'string' ? encoder.encode(message) : message
      const data = bytes.subarray(1)
      if (bytes[0] === channel.stdin && options.stdin) await session.stdin(data)
      else if (bytes[0] === channel.close && data[0] === channel.stdin) session.closeStdin()
      else if (bytes[0] === channel.resize && options.tty) resize(session, data)
    }
    clientGone = true
    session.close()
  })()
  // A broken transport is a client that is gone; the process ends either way.
  reading.catch(() => {
    clientGone = true
    session.close()
  })

  let outcome: Status
  try {
    outcome = exitStatus(await session.exit)
  } catch (error) {
    outcome = toStatus(error)
  }
  if (clientGone) return
  await status(outcome)
  socket.close(1000)
}

export function resize(session: ExecSession, data: Uint8Array): void {
  let size: { Width?: unknown; Height?: unknown }
  try {
    size = JSON.parse(decoder.decode(data))
  } catch {
    // kubelets drop what does not decode on this channel.
    return
  }
  // A client whose terminal has no size sends zeros, which kubelets pass over (HandleResizing).
  if (Number(size.Width) >= 1 && Number(size.Height) >= 1) session.resize(Number(size.Width), Number(size.Height))
}
