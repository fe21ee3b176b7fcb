import type { Node } from 'kubernetes-types/core/v1'
import type { StatsSummary } from '../../kubelet/stats.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { NetworkError, type TcpConnection } from '../../network/sockets.ts'
import type { DaemonContext } from '../process.ts'

/** Where the pod's service account token is mounted. */
const tokenPath = '/var/run/secrets/kubernetes.io/serviceaccount/token'

/** The address of a node's kubelet by the order of types that `--kubelet-preferred-address-types` gives. */
export function kubeletAddress(node: Node, order: readonly string[]): string | undefined {
  for (const type of order) {
    const found = node.status?.addresses?.find((address) => address.type === type)
    if (found) return found.address
  }
  return undefined
}

/**
 * One kubelet's summary, over the network from the pod. `verify`: its certificate is looked at, which on a kind or kubeadm node is signed by
 * nobody and names no address. Rejects with the error that a Go client prints.
 */
export async function scrape(
  context: DaemonContext<unknown>,
  node: Node & KubeObject,
  options: { addressTypes: readonly string[]; verify: boolean; timeoutMs: number },
): Promise<StatsSummary> {
  const address = kubeletAddress(node, options.addressTypes)
  if (!address) throw new Error(`node ${node.metadata?.name} had no addresses that matched types [${options.addressTypes.join(' ')}]`)
  const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 10_250
  const url = `https://${address}:${port}/metrics/resource`
  const failed = (why: string) => new Error(`Get "${url}": ${why}`)
  const connection = await dial(context, address, port, options.timeoutMs).catch((error) => {
    throw error instanceof NetworkError ? failed(error.message) : error
  })
  try {
    if (!connection.service) throw failed('tls: first record does not look like a TLS handshake')
    if (options.verify) {
      throw failed(
        `tls: failed to verify certificate: x509: cannot validate certificate for ${address} because it doesn't contain any IP SANs`,
      )
    }
    const token = context.files.exists(tokenPath) ? context.files.readText(tokenPath) : ''
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json' }
    const response = await connection.service.fetch(new Request(url, { headers }))
    if (!response.ok) throw new Error(`request failed, status: "${response.status} ${reasons[response.status] ?? ''}"`)
    return (await response.json()) as StatsSummary
  } finally {
    connection.close()
  }
}

const reasons: Readonly<Record<number, string>> = { 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found' }

function dial({ sockets, clock }: DaemonContext<unknown>, address: string, port: number, timeoutMs: number): Promise<TcpConnection> {
  const where = `dial tcp ${address}:${port}`
  return new Promise((resolve, reject) => {
    const timer = clock.after(timeoutMs, () => {
      connection?.close()
      reject(new NetworkError('ETIMEDOUT', 'context deadline exceeded'))
    })
    let connection: TcpConnection | undefined
    connection = sockets.connectTcp(
      { address, port },
      {
        connected: () =>
          clock.soon(() => {
            timer.close()
            if (connection) resolve(connection)
          }),
        error(error) {
          timer.close()
          const words =
            error.code === 'ECONNREFUSED'
              ? 'connect: connection refused'
              : error.code === 'EHOSTUNREACH'
                ? 'connect: no route to host'
                : error.message
          reject(new NetworkError(error.code, `${where}: ${words}`))
        },
      },
    )
  })
}
