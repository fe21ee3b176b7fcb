import type { Node } from 'kubernetes-types/core/v1'
import type { Api } from '../../apiserver/api.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { parsePrefix, prefixContains } from '../../network/address.ts'
import type { DaemonContext } from '../process.ts'
import { weaveBridge } from './datapath.ts'

type Environment = Readonly<Record<string, string>>

/** The network and the headers that fastdp adds in it must fit the smallest underlay people have, encryption included. */
export const defaultMtu = 1376

export const rangeText = (env: Environment) => env['IPALLOC_RANGE'] || '10.32.0.0/12'

/** Why launch.sh cannot do what the variables ask for, or undefined. */
export function unmodelled(env: Environment): string | undefined {
  for (const name of ['WEAVE_NO_FASTDP', 'WEAVE_EXPOSE_IP', 'KUBE_PEERS', 'IPALLOC_INIT', 'EXTRA_ARGS', 'AWSVPC']) {
    if (env[name]) return `the simulated cluster does not model Weave Net's variable ${name}`
  }
  try {
    if (parsePrefix(rangeText(env)).text !== rangeText(env)) {
      return `invalid subnet - bits after network prefix are not all zero: ${rangeText(env)}`
    }
  } catch {
    return `invalid CIDR address: ${rangeText(env)}`
  }
  const mtu = env['WEAVE_MTU']
  if (mtu && !/^\d+$/.test(mtu)) return `invalid value "${mtu}" for flag -mtu: strconv.ParseInt: parsing "${mtu}": invalid syntax`
  return undefined
}

/** weaveutil netcheck: the network must not be in use on the host already. */
export function overlappingRoute({ namespace }: DaemonContext<unknown>, cidr: string): string | undefined {
  const wanted = parsePrefix(cidr)
  const overlap = namespace.routing.routes.find(({ dst, dev, table }) => {
    if (table !== 'main' || dev === weaveBridge || dst === '0.0.0.0/0') return false
    const other = parsePrefix(dst)
    return prefixContains(wanted, dst.split('/')[0] as string) || prefixContains(other, cidr.split('/')[0] as string)
  })
  return overlap?.dst
}

/** `kube-utils`: addresses of the cluster's other nodes. Throws StatusError. */
export function otherNodes({ namespace }: DaemonContext<unknown>, api: Api): string[] {
  const own = namespace.addresses()
  return api.list<Node & KubeObject>('nodes').flatMap(({ status }) => {
    const address = status?.addresses?.find(({ type }) => type === 'InternalIP')?.address
    return address && !own.includes(address) ? [address] : []
  })
}

/** weaver's options as it logs them: launch.sh makes them of the container's variables. */
export function commandLine({ env }: DaemonContext<unknown>, name: string, nickname: string, peers: number): string {
  const options: Record<string, string> = {
    'conn-limit': env['CONN_LIMIT'] || '200',
    datapath: 'datapath',
    'db-prefix': env['DB_PREFIX'] || '/weavedb/weave-net',
    'docker-api': '',
    ...(env['EXPECT_NPC'] === '0' ? {} : { 'expect-npc': 'true' }),
    'http-addr': '127.0.0.1:6784',
    'ipalloc-init': `consensus=${peers}`,
    'ipalloc-range': rangeText(env),
    'metrics-addr': '0.0.0.0:6782',
    ...(env['WEAVE_MTU'] ? { mtu: env['WEAVE_MTU'] } : {}),
    name,
    nickname,
    'no-dns': 'true',
    'no-masq-local': 'true',
    port: '6783',
  }
  return Object.entries(options)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}:${value}`)
    .join(' ')
}
