import type { Pod } from 'kubernetes-types/core/v1'

export interface ResolverConfig {
  readonly text: string
  /** The DNSConfigForming event's message, where something was left out. */
  readonly warning?: string
}

/** Limits of the API server and the kubelet: pkg/apis/core/validation. */
const maxNameservers = 3
const maxSearches = 32
const maxSearchLength = 2048

/** A pod's `/etc/resolv.conf`, after the kubelet's dns.go. `node` is the node's own resolv.conf. */
export function resolverConfig(pod: Pod, cluster: { dns: string; domain: string }, node: string): ResolverConfig {
  const spec = pod.spec ?? { containers: [] }
  const host = parseResolverConfig(node)
  let { nameservers, searches, options } = host
  const policy = spec.dnsPolicy ?? 'ClusterFirst'
  if (policy === 'None') {
    nameservers = []
    searches = []
    options = []
  } else if (policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && !spec.hostNetwork)) {
    const namespace = pod.metadata?.namespace ?? 'default'
    nameservers = [cluster.dns]
    searches = [...new Set([`${namespace}.svc.${cluster.domain}`, `svc.${cluster.domain}`, cluster.domain, ...host.searches])]
    options = ['ndots:5']
  }
  const extra = spec.dnsConfig
  if (extra) {
    nameservers = [...new Set([...nameservers, ...(extra.nameservers ?? [])])]
    searches = [...new Set([...searches, ...(extra.searches ?? [])])]
    options = mergeOptions(options, extra.options ?? [])
  }
  const kept = { nameservers: nameservers.slice(0, maxNameservers), searches: fitSearches(searches) }
  const text = [
    ...(kept.searches.length > 0 ? [`search ${kept.searches.join(' ')}`] : []),
    ...kept.nameservers.map((address) => `nameserver ${address}`),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
    '',
  ].join('\n')
  const warnings: string[] = []
  if (kept.nameservers.length < nameservers.length) {
    warnings.push(
      `Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${kept.nameservers.join(' ')}`,
    )
  }
  if (kept.searches.length < searches.length) {
    warnings.push(
      `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${kept.searches.join(' ')}`,
    )
  }
  return { text, ...(warnings.length > 0 ? { warning: warnings.join('; ') } : {}) }
}

export function parseResolverConfig(text: string): { nameservers: string[]; searches: string[]; options: string[] } {
  const nameservers: string[] = []
  let searches: string[] = []
  const options: string[] = []
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/)
    if (word === 'nameserver' && rest[0]) nameservers.push(rest[0])
    else if (word === 'search') searches = rest.filter((search) => search !== '.')
    else if (word === 'options') options.push(...rest)
  }
  return { nameservers, searches, options }
}

function mergeOptions(existing: readonly string[], extra: readonly { name?: string; value?: string }[]): string[] {
  const merged = new Map(existing.map((option) => [option.split(':')[0] as string, option]))
  for (const { name, value } of extra) if (name) merged.set(name, value === undefined ? name : `${name}:${value}`)
  return [...merged.values()]
}

function fitSearches(searches: readonly string[]): string[] {
  const kept = searches.slice(0, maxSearches)
  while (kept.join(' ').length > maxSearchLength) kept.pop()
  return kept
}

/** A pod's `/etc/hosts` as the kubelet manages it. */
export function hostsFile(pod: Pod, addresses: readonly string[], hostname: string, domain: string | undefined, node: string): string {
  const aliases = pod.spec?.hostAliases ?? []
  const added =
    aliases.length > 0
      ? `\n# Entries added by HostAliases.\n${aliases.map((alias) => `${alias.ip}\t${(alias.hostnames ?? []).join('\t')}\n`).join('')}`
      : ''
  if (pod.spec?.hostNetwork) return `# Kubernetes-managed hosts file (host network).\n${node}${added}`
  const own = addresses
    .map((address) => (domain ? `${address}\t${hostname}.${domain}\t${hostname}\n` : `${address}\t${hostname}\n`))
    .join('')
  return [
    '# Kubernetes-managed hosts file.\n',
    '127.0.0.1\tlocalhost\n',
    '::1\tlocalhost ip6-localhost ip6-loopback\n',
    'fe00::0\tip6-localnet\n',
    'fe00::0\tip6-mcastprefix\n',
    'fe00::1\tip6-allnodes\n',
    'fe00::2\tip6-allrouters\n',
    own,
    added,
  ].join('')
}

/** What `hostname` says in a pod: at most 63 characters. */
export function podHostname(pod: Pod, node: string): string {
  if (pod.spec?.hostNetwork) return node
  return (pod.spec?.hostname ?? pod.metadata?.name ?? '').slice(0, 63).replace(/[-.]+$/, '')
}
