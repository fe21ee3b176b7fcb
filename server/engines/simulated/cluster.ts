import { KubeConfig } from '@kubernetes/client-node'
import { stringify } from 'yaml'
import type { Trace } from '../../../protocol/trace.ts'
import type { Cluster, ClusterId, ClusterSpec, ProbeResult, TerminalStream } from '../engine.ts'
import type { Certificates } from './certificates.ts'
import { clientCredentials } from './client-certificates.ts'
import type { ScriptResult, Tokens } from './messages.ts'
import type { ClusterThread } from './thread.ts'

interface Connection {
  readonly id: ClusterId
  readonly spec: ClusterSpec
  readonly tokens: Tokens
  /** Server URL for clients outside the simulation. */
  readonly server: string
  readonly certificates: Pick<Certificates, 'authority' | 'clients'>
  /** The thread that hosts the cluster now. */
  thread(): Promise<ClusterThread>
  destroy(): Promise<void>
}

/** The platform's view of one simulated cluster: every verb is a call to the thread that hosts it. */
export function simulatedCluster({ id, spec, tokens, server, certificates, thread, destroy }: Connection): Cluster {
  /** As kind's: a certificate of kubeadm's administrators, made when somebody asks for it. */
  const administrator = async () => {
    const who = { commonName: 'kubernetes-admin', organization: 'kubeadm:cluster-admins' }
    const { certificate, key } = await clientCredentials(certificates.clients, id, who)
    return { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) }
  }
  const kubeconfigText = async (audience: 'platform' | 'learner') => {
    const name = 'faultline'
    const user = audience === 'platform' ? { token: tokens.platform } : await administrator()
    return stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster: { server, 'certificate-authority-data': base64(certificates.authority) } }],
      users: [{ name: audience, user }],
      contexts: [{ name, context: { cluster: name, user: audience } }],
      'current-context': name,
      preferences: {},
    })
  }
  return {
    id,
    engine: 'simulated',
    spec,
    kubeconfigText,
    async kubeconfig(audience) {
      const config = new KubeConfig()
      config.loadFromString(await kubeconfigText(audience))
      return config
    },
    async probe(from, what, signal) {
      return (await thread()).ask<ProbeResult>({ kind: 'probe', cluster: id, from, what }, signal)
    },
    async runScript(script, files, signal) {
      return (await thread()).ask<ScriptResult>({ kind: 'script', cluster: id, script, files }, signal)
    },
    async openTerminal(size, output) {
      return openTerminal(await thread(), id, size, output)
    },
    async trace(request, signal) {
      return (await thread()).ask<Trace>({ kind: 'trace', cluster: id, request }, signal)
    },
    checkpoints: {
      async save(name) {
        await (await thread()).ask({ kind: 'checkpoint', cluster: id, name })
      },
      async restore(name) {
        await (await thread()).ask({ kind: 'rewind', cluster: id, name })
      },
    },
    destroy,
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function openTerminal(
  thread: ClusterThread,
  cluster: string,
  { columns, rows }: { columns: number; rows: number },
  output: (bytes: Uint8Array) => Promise<void>,
): TerminalStream {
  let end: (code: number) => void
  const exit = new Promise<number>((resolve) => {
    end = resolve
  })
  // Bytes must reach the reader in order, one after the other, and each gives back its room once it is taken.
  let delivered: Promise<void> = Promise.resolve()
  const call = thread.open(
    { kind: 'terminal', cluster, columns, rows },
    (message) => {
      if (message.kind === 'output') {
        delivered = delivered.then(() => output(message.bytes)).then(() => call.send({ kind: 'taken' }))
      } else if (message.kind === 'done') {
        void delivered.then(() => end(message.value as number))
        call.close()
      } else if (message.kind === 'failed') {
        void delivered.then(() => end(1))
        call.close()
      }
    },
    // The shell's thread died: to the person, the shell was killed.
    () => end(137),
  )
  return {
    input: (bytes) => call.send({ kind: 'input', bytes }),
    resize: (wide, high) => call.send({ kind: 'resize', columns: wide, rows: high }),
    close: () => call.send({ kind: 'cancel' }),
    exit,
  }
}
