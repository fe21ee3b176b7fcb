import type { Container, Pod, ResourceFieldSelector } from 'kubernetes-types/core/v1'

/** What the downward API can tell of a pod; undefined where the path is none of its. */
export function fieldValue(
  pod: Pod,
  path: string,
  where: { readonly addresses: readonly string[]; readonly hostAddresses: readonly string[] },
): string | undefined {
  const { metadata, spec } = pod
  const subscript = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path)
  if (subscript) return metadata?.[subscript[1] as 'labels']?.[subscript[2] as string] ?? ''
  switch (path) {
    case 'metadata.name':
      return metadata?.name
    case 'metadata.namespace':
      return metadata?.namespace
    case 'metadata.uid':
      return metadata?.uid
    case 'metadata.labels':
      return mapText(metadata?.labels)
    case 'metadata.annotations':
      return mapText(metadata?.annotations)
    case 'spec.nodeName':
      return spec?.nodeName
    case 'spec.serviceAccountName':
      return spec?.serviceAccountName ?? ''
    case 'status.podIP':
      return where.addresses[0] ?? ''
    case 'status.podIPs':
      return where.addresses.join(',')
    case 'status.hostIP':
      return where.hostAddresses[0] ?? ''
    case 'status.hostIPs':
      return where.hostAddresses.join(',')
    default:
      return undefined
  }
}

function mapText(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n')
}

/** A container's request or limit over its divisor, rounded up; a missing limit is the node's allocatable. */
export function resourceValue(
  pod: Pod,
  container: Container,
  selector: ResourceFieldSelector,
  allocatable: Readonly<Record<string, string>>,
): string | undefined {
  const of = selector.containerName
    ? [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].find(({ name }) => name === selector.containerName)
    : container
  const match = /^(requests|limits)\.(.+)$/.exec(selector.resource)
  if (!of || !match) return undefined
  const [, kind, name] = match as unknown as [string, 'requests' | 'limits', string]
  const declared = of.resources?.[kind]?.[name] ?? (kind === 'limits' ? allocatable[name] : '0')
  const divisor = selector.divisor && selector.divisor !== '0' ? selector.divisor : '1'
  return String(Math.ceil(quantity(declared ?? '0') / quantity(divisor) - 1e-9))
}

const suffixes: Record<string, number> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
}

/** A Kubernetes quantity as a number. */
export function quantity(text: string): number {
  const match = /^([\d.]+(?:e\d+)?)([a-zA-Z]*)$/.exec(text)
  return match ? Number(match[1]) * (suffixes[match[2] ?? ''] ?? 1) : 0
}
