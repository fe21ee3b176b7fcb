import type { KubeObject } from '../../../kubernetes.ts'
import type { InformerCache } from '../../informers.ts'
import { resources } from '../datastore.ts'
import type { HostAction } from './static-chains.ts'

export interface FelixConfig {
  readonly toHost: HostAction
  /** Index into `severities` below which nothing is said. */
  readonly logsFrom: number
  /** Parameters that somebody set and that nothing here obeys. */
  readonly unmodelled: readonly string[]
}

export const severities = ['TRACE', 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'FATAL'] as const

/** Read, or without a meaning where nothing of eBPF and no floating addresses are. */
const known = new Set([
  'defaultEndpointToHostAction',
  'logSeverityScreen',
  'bpfConnectTimeLoadBalancing',
  'bpfHostNetworkedNATWithoutCTLB',
  'floatingIPs',
  'reportingInterval',
])

interface FelixConfiguration extends KubeObject {
  readonly spec?: Readonly<Record<string, unknown>>
}

/** Felix's parameters: the environment goes before the node's own FelixConfiguration, and that before `default` (felix/config). */
export function felixConfig(env: Readonly<Record<string, string>>, cache: InformerCache, node: string): FelixConfig {
  const specs = [`node.${node}`, 'default'].map((name) => cache.find<FelixConfiguration>(resources.felix, undefined, name)?.spec ?? {})
  const read = (name: string) => env[`FELIX_${name.toUpperCase()}`] ?? specs.map((spec) => spec[name]).find((value) => value !== undefined)
  const action = String(read('defaultEndpointToHostAction') ?? 'DROP').toUpperCase()
  const severity = String(read('logSeverityScreen') ?? 'INFO').toUpperCase()
  return {
    toHost: action === 'ACCEPT' || action === 'REJECT' || action === 'RETURN' ? action : 'DROP',
    logsFrom: Math.max(0, (severities as readonly string[]).indexOf(severity)),
    unmodelled: [...new Set(specs.flatMap((spec) => Object.keys(spec).filter((name) => !known.has(name) && spec[name] !== false)))],
  }
}
