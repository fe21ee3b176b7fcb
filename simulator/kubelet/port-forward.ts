import type { PortForwarder } from '../apiserver/api.ts'
import { type Connection, connect } from '../network/async.ts'
import { NetworkError } from '../network/sockets.ts'
import { BrokenPipe, type ByteSink, type ByteSource } from '../streams.ts'
import { kubeletError } from './kubelet-error.ts'
import { goDialError, joinHostPort } from './runtime/dial.ts'
import type { Sandbox } from './state.ts'
import { type Kubelet, podTitle } from './world.ts'

/** After one direction has ended, the other gets this long to end too, ms (containerd's sandbox_portforward). */
const lastWords = 1000
/** What is ready leaves together, up to this many bytes: io.Copy's buffer. */
const largestCopy = 32 * 1024

/** Port-forwarding as kubelet and containerd do it: the pod's sandbox is found once, and asked for each connection whether it is still there. */
export function portForwarder(kubelet: Kubelet, namespace: string, name: string): PortForwarder {
  const pod = [...kubelet.pods.values()].find((one) => one.metadata?.name === name && one.metadata.namespace === namespace)
  if (!pod) throw kubeletError('NotFound', 'pod does not exist')
  const uid = pod.metadata?.uid ?? ''
  const sandbox = kubelet.state.pods[uid]?.sandbox
  if (!sandbox) throw kubeletError('InternalError', `failed to find sandboxes for pod ${podTitle(pod)}`)
  return async (port, stream, signal) => {
    try {
      await forward(kubelet, uid, sandbox, port, stream, signal)
    } catch (error) {
      signal.throwIfAborted()
      // The client gave this one connection up, which is no failure of the forwarding.
      if (error instanceof BrokenPipe) return
      throw new Error(`error forwarding port ${port} to pod ${sandbox.id}, uid : ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

async function forward(
  kubelet: Kubelet,
  uid: string,
  sandbox: Sandbox,
  port: number,
  stream: { source: ByteSource; sink: ByteSink },
  clientGone: AbortSignal,
): Promise<void> {
  const state = kubelet.state.pods[uid]
  if (!state) throw new Error(`failed to find sandbox "${sandbox.id}" in store: not found`)
  if (state.over || kubelet.stopped) throw new Error(`sandbox container "${sandbox.id}" is not running`)
  const { machine, clock } = kubelet.world
  const inside = (sandbox.namespace ? machine.namespace(sandbox.namespace) : machine.root) ?? machine.root
  const gone = new AbortController()
  const forwards = kubelet.forwards.get(uid) ?? new Set()
  kubelet.forwards.set(uid, forwards.add(gone))
  const signal = AbortSignal.any([clientGone, gone.signal])
  let connection: Connection | undefined
  try {
    connection = await connect(inside.sockets, { address: '127.0.0.1', port }, { clock, signal })
    await copyBothWays(connection, stream, { signal, after: (ms, task) => clock.after(ms, task) })
  } catch (error) {
    // The pod went, and its connections with it: that is the end of the stream, no failure of the forwarding.
    if (gone.signal.aborted && !clientGone.aborted) return
    if (!(error instanceof NetworkError)) throw error
    const place = sandbox.namespace ? `/var/run/netns/${sandbox.namespace}` : 'host'
    throw new Error(`failed to execute portforward in network namespace "${place}": ${words(sandbox, port, error, connection)}`)
  } finally {
    forwards.delete(gone)
    if (forwards.size === 0) kubelet.forwards.delete(uid)
    connection?.close()
  }
}

function words(sandbox: Sandbox, port: number, error: NetworkError, connection: Connection | undefined): string {
  if (connection) {
    const ends = [connection.local, connection.remote].map((end) => joinHostPort(end.address, end.port)).join('->')
    return goDialError(error, `read tcp4 ${ends}`).message.replace(': connect: ', ': read: ')
  }
  const ipv4 = goDialError(error, `dial tcp4 127.0.0.1:${port}`).message
  // The node's /etc/hosts names ::1, and no interface here has it.
  const ipv6 = `dial tcp6 [::1]:${port}: connect: cannot assign requested address`
  return `failed to connect to localhost:${port} inside namespace "${sandbox.id}", IPv4: ${ipv4} IPv6 ${ipv6} `
}

async function copyBothWays(
  connection: Connection,
  { source, sink }: { source: ByteSource; sink: ByteSink },
  world: { signal: AbortSignal; after(ms: number, task: () => void): { close(): void } },
): Promise<void> {
  const over = new AbortController()
  const signal = AbortSignal.any([world.signal, over.signal])
  const outward = (async () => {
    for (;;) {
      const bytes = await connection.read({ signal, atMost: largestCopy })
      if (bytes === undefined) return
      await sink.write(bytes)
    }
  })()
  const inward = (async () => {
    for (;;) {
      const bytes = await source.read(signal)
      if (bytes === undefined) return
      connection.write(bytes)
    }
  })()
  try {
    await Promise.race([outward, inward])
    let timer: { close(): void } | undefined
    const patience = new Promise<void>((resolve) => {
      timer = world.after(lastWords, resolve)
    })
    await Promise.race([Promise.all([outward, inward]), patience]).finally(() => timer?.close())
  } finally {
    over.abort(new Error('the forwarding is over'))
    // Whichever direction still waits is given up.
    await Promise.allSettled([outward, inward])
  }
}

/** The pod's sandbox is gone, or the kubelet is: connections into it end. */
export function endForwards(kubelet: Kubelet, uid: string): void {
  for (const forward of kubelet.forwards.get(uid) ?? []) forward.abort(new Error('the pod sandbox is gone'))
}
