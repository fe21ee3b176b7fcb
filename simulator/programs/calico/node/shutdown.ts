import { timestamp } from '../../../kubernetes.ts'
import { NetworkError } from '../../../network/sockets.ts'
import type { Process } from '../../process.ts'
import { accountToken } from '../cni/host-kubeconfig.ts'
import { calicoLine } from '../log.ts'

/**
 * `calico-node -shutdown`, which the manifest's preStop hook runs: tells the cluster that the node's network is down, so that nothing new is
 * scheduled to it (node/pkg/lifecycle/shutdown). Upstream tries again where that fails, for as long as the hook may run; here once.
 */
export async function shutDown(process: Process): Promise<number> {
  const { env, clock, files, stdout } = process
  const node = env['NODENAME'] ?? process.hostname
  const say = (severity: 'INFO' | 'ERROR', source: string, text: string) =>
    stdout.write(`${calicoLine(clock.now(), severity, 1, source, text)}\n`)
  await say('INFO', 'shutdown/shutdown.go 44', `Shutting down node ${node}`)
  if (env['CALICO_NETWORKING_BACKEND'] === 'none') return 0
  await say('INFO', 'utils/utils.go 189', 'Setting NetworkUnavailable to true')
  const now = timestamp(clock.now())
  const condition = {
    type: 'NetworkUnavailable',
    status: 'True',
    reason: 'CalicoIsDown',
    message: 'Calico is shutting down on this node',
    lastTransitionTime: now,
    lastHeartbeatTime: now,
  }
  const url = `https://${env['KUBERNETES_SERVICE_HOST']}:${env['KUBERNETES_SERVICE_PORT']}/api/v1/nodes/${node}/status`
  const token = files.exists(accountToken) ? files.readText(accountToken) : ''
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/strategic-merge-patch+json' }
  const failed = (error: string) => say('ERROR', 'shutdown/shutdown.go 82', `Unable to set NetworkUnavailable to true error=${error}`)
  try {
    const body = JSON.stringify({ status: { conditions: [condition] } })
    const response = await process.fetch(new Request(url, { method: 'PATCH', headers, body }))
    if (!response.ok) await failed(((await response.json()) as { message?: string }).message ?? response.statusText)
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    await failed(`Patch "${url}": ${error.message}`)
  }
  return 0
}
