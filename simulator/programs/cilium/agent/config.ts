import type { FileSystem } from '../../../files.ts'

/** cilium-config, as far as the agent reads it. */
export interface AgentConfig {
  readonly cluster: string
  readonly policyMode: 'default' | 'always' | 'never'
  readonly hubble: boolean
  readonly rejectsWithoutBackend: boolean
  readonly tunnelPort: number
  readonly configuration: Readonly<Record<string, string>>
}

/** The agent cannot start: the message is its last line. */
export class ConfigError extends Error {}

/** Settings with the values that are modelled; what is absent has upstream's default, which is the first. */
const modelled: Readonly<Record<string, readonly string[]>> = {
  ipam: ['kubernetes'],
  'routing-mode': ['tunnel'],
  'tunnel-protocol': ['vxlan'],
  'kube-proxy-replacement': ['true'],
  'enable-ipv4': ['true'],
  'enable-ipv6': ['false'],
  'enable-bpf-masquerade': ['false'],
  'enable-ipv4-masquerade': ['true'],
  'enable-endpoint-routes': ['false'],
  'enable-host-firewall': ['false'],
  'enable-wireguard': ['false'],
  'enable-ipsec': ['false'],
  'identity-allocation-mode': ['crd'],
  'datapath-mode': ['veth'],
  'bpf-lb-mode': ['snat'],
  'bpf-lb-sock-hostns-only': ['false'],
  'enable-policy': ['default', 'always', 'never'],
  'service-no-backend-response': ['reject', 'drop'],
  'enable-hubble': ['true', 'false'],
}

/** What upstream allows besides, so that a wrong word is told from one that the simulator has not. */
const upstream: Readonly<Record<string, readonly string[]>> = {
  ipam: ['cluster-pool', 'multi-pool', 'crd', 'eni', 'azure', 'alibabacloud', 'delegated-plugin'],
  'routing-mode': ['native'],
  'tunnel-protocol': ['geneve'],
  'datapath-mode': ['netkit', 'netkit-l2'],
  'identity-allocation-mode': ['kvstore', 'doublewrite-readkvstore', 'doublewrite-readcrd'],
  'bpf-lb-mode': ['dsr', 'hybrid', 'annotation'],
}

/** Reads a folder with a file for each setting (`--config-dir`). Throws ConfigError. */
export function readConfig(files: FileSystem, folder: string): AgentConfig {
  if (!files.exists(folder)) throw new ConfigError(`Non-existent configuration directory ${folder}`)
  const configuration: Record<string, string> = {}
  for (const { name, directory } of files.list(folder)) {
    if (!directory && !name.startsWith('.')) configuration[name] = files.readText(`${folder}/${name}`).trim()
  }
  for (const [key, values] of Object.entries(modelled)) {
    const value = configuration[key]
    if (value === undefined || values.includes(value)) continue
    const boolean = values.every((known) => known === 'true' || known === 'false')
    if ((boolean && (value === 'true' || value === 'false')) || upstream[key]?.includes(value))
      throw new ConfigError(
        `the simulated cluster does not model Cilium with ${key}=${value} (${values.join(' and ')} ${values.length > 1 ? 'are' : 'is'})`,
      )
    throw new ConfigError(
      boolean
        ? `invalid argument "${value}" for "--${key}" flag: strconv.ParseBool: parsing "${value}": invalid syntax`
        : invalid(key, value),
    )
  }
  const setting = (key: string) => configuration[key] ?? modelled[key]?.[0] ?? ''
  return {
    cluster: configuration['cluster-name'] ?? 'default',
    policyMode: setting('enable-policy') as AgentConfig['policyMode'],
    hubble: setting('enable-hubble') === 'true',
    rejectsWithoutBackend: setting('service-no-backend-response') === 'reject',
    tunnelPort: Number(configuration['tunnel-port'] || 8472),
    configuration,
  }
}

function invalid(key: string, value: string): string {
  switch (key) {
    case 'routing-mode':
      return `invalid routing mode "${value}", valid modes = {native, tunnel}`
    case 'tunnel-protocol':
      return `invalid tunnel protocol "${value}"`
    case 'enable-policy':
      return `invalid value for enable-policy: "${value}"`
    case 'ipam':
      return `Unknown IPAM backend ${value}`
    default:
      return `Invalid value for --${key}: ${value}`
  }
}
