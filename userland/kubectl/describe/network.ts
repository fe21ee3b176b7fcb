import type { Endpoints, Service } from 'kubernetes-types/core/v1'
import type { EndpointSlice } from 'kubernetes-types/discovery/v1'
import type { Ingress, NetworkPolicy } from 'kubernetes-types/networking/v1'
import type { Describe, Surroundings } from './describe.ts'
import { eventsBlock } from './events.ts'
import type { Page } from './page.ts'
import { annotationsBlock, pairsBlock, selectorText } from './page.ts'

/** How many addresses a line shows before `+ n more...`. */
const shownEndpoints = 3

export const describeService: Describe<Service> = async ({ metadata = {}, spec = {}, status }, page, around) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  page.write(0, `Namespace:\t${metadata.namespace}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  page.write(0, `Selector:\t${selectorText({ matchLabels: spec.selector })}\n`)
  page.write(0, `Type:\t${spec.type ?? ''}\n`)
  page.field(0, 'IP Family Policy', spec.ipFamilyPolicy)
  page.write(0, `IP Families:\t${(spec.ipFamilies ?? []).join(',') || '<none>'}\n`)
  page.write(0, `IP:\t${spec.clusterIP ?? ''}\n`)
  page.write(0, `IPs:\t${(spec.clusterIPs ?? []).join(',') || '<none>'}\n`)
  if (spec.externalIPs && spec.externalIPs.length > 0) page.write(0, `External IPs:\t${spec.externalIPs.join(',')}\n`)
  page.field(0, 'Desired LoadBalancer IP', spec.loadBalancerIP)
  page.field(0, 'External Name', spec.externalName)
  const balancers = status?.loadBalancer?.ingress ?? []
  if (balancers.length > 0)
    page.write(
      0,
      `LoadBalancer Ingress:\t${balancers.map((one) => (one.ip ? `${one.ip}${(one as any).ipMode ? ` (${(one as any).ipMode})` : ''}` : one.hostname)).join(', ')}\n`,
    )
  const slices = await around.list<EndpointSlice>('endpointslices.discovery.k8s.io', `kubernetes.io/service-name=${metadata.name}`)
  for (const port of spec.ports ?? []) {
    const protocol = port.protocol ?? 'TCP'
    const name = port.name || '<unset>'
    page.write(0, `Port:\t${name}\t${port.port}/${protocol}\n`)
    page.write(0, `TargetPort:\t${port.targetPort ?? 0}/${protocol}\n`)
    if (port.nodePort) page.write(0, `NodePort:\t${name}\t${port.nodePort}/${protocol}\n`)
    page.write(0, `Endpoints:\t${sliceAddresses(slices, port.name ?? '')}\n`)
  }
  page.write(0, `Session Affinity:\t${spec.sessionAffinity ?? ''}\n`)
  page.field(0, 'External Traffic Policy', spec.externalTrafficPolicy)
  page.field(0, 'Internal Traffic Policy', spec.internalTrafficPolicy)
  page.field(0, 'HealthCheck NodePort', spec.healthCheckNodePort || undefined)
  if (spec.loadBalancerSourceRanges && spec.loadBalancerSourceRanges.length > 0)
    page.write(0, `LoadBalancer Source Ranges:\t${spec.loadBalancerSourceRanges.join(',')}\n`)
  const distribution = (spec as { trafficDistribution?: string }).trafficDistribution
  page.field(0, 'Traffic Distribution', distribution)
  eventsBlock(page, await around.events(), around.now)
}

/** The ready addresses behind one port, as `describe service` and `describe ingress` show them. */
function sliceAddresses(slices: readonly EndpointSlice[], portName: string | undefined): string {
  if (slices.length === 0) return ''
  const found: string[] = []
  for (const slice of slices) {
    for (const port of slice.ports ?? []) {
      if (portName !== undefined && (port.name ?? '') !== portName) continue
      for (const endpoint of slice.endpoints ?? []) {
        if (endpoint.conditions?.ready === false) continue
        for (const address of endpoint.addresses)
          found.push(address.includes(':') ? `[${address}]:${port.port}` : `${address}:${port.port}`)
      }
    }
  }
  return shortened(found)
}

function shortened(found: readonly string[]): string {
  const more = found.length > shownEndpoints ? ` + ${found.length - shownEndpoints} more...` : ''
  return found.slice(0, shownEndpoints).join(',') + more
}

export const describeEndpoints: Describe<Endpoints> = async ({ metadata = {}, subsets }, page, around) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  page.write(0, `Namespace:\t${metadata.namespace}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  page.write(0, 'Subsets:\n')
  for (const subset of subsets ?? []) {
    page.write(1, `Addresses:\t${(subset.addresses ?? []).map((one) => one.ip).join(',') || '<none>'}\n`)
    page.write(1, `NotReadyAddresses:\t${(subset.notReadyAddresses ?? []).map((one) => one.ip).join(',') || '<none>'}\n`)
    if (subset.ports && subset.ports.length > 0) {
      page.write(1, 'Ports:\n')
      page.write(2, 'Name\tPort\tProtocol\n')
      page.write(2, '----\t----\t--------\n')
      for (const port of subset.ports) page.write(2, `${port.name || '<unset>'}\t${port.port}\t${port.protocol ?? ''}\n`)
    }
    page.write(0, '\n')
  }
  eventsBlock(page, await around.events(), around.now)
}

export const describeEndpointSlice: Describe<EndpointSlice> = async ({ metadata = {}, addressType, endpoints, ports }, page, around) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  page.write(0, `Namespace:\t${metadata.namespace}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  page.write(0, `AddressType:\t${addressType}\n`)
  if (!ports || ports.length === 0) page.write(0, 'Ports: <unset>\n')
  else {
    page.write(0, 'Ports:\n')
    page.write(1, 'Name\tPort\tProtocol\n')
    page.write(1, '----\t----\t--------\n')
    for (const port of ports) page.write(1, `${port.name || '<unset>'}\t${port.port ?? '<unset>'}\t${port.protocol ?? 'TCP'}\n`)
  }
  if (!endpoints || endpoints.length === 0) page.write(0, 'Endpoints: <none>\n')
  else {
    page.write(0, 'Endpoints:\n')
    for (const endpoint of endpoints) {
      page.write(1, `- Addresses:\t${endpoint.addresses.join(', ') || '<none>'}\n`)
      page.write(2, 'Conditions:\n')
      page.write(3, `Ready:\t${endpoint.conditions?.ready ?? '<unset>'}\n`)
      page.write(2, `Hostname:\t${endpoint.hostname ?? '<unset>'}\n`)
      if (endpoint.targetRef) page.write(2, `TargetRef:\t${endpoint.targetRef.kind}/${endpoint.targetRef.name}\n`)
      page.write(2, `NodeName:\t${endpoint.nodeName ?? '<unset>'}\n`)
      page.write(2, `Zone:\t${endpoint.zone ?? '<unset>'}\n`)
    }
  }
  eventsBlock(page, await around.events(), around.now)
}

export const describeIngress: Describe<Ingress> = async ({ metadata = {}, spec = {}, status }, page, around) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  page.write(0, `Namespace:\t${metadata.namespace}\n`)
  page.write(0, `Address:\t${(status?.loadBalancer?.ingress ?? []).map((one) => one.ip ?? one.hostname).join(',')}\n`)
  page.write(0, `Ingress Class:\t${spec.ingressClassName ?? '<none>'}\n`)
  const fallback = spec.defaultBackend
  page.write(0, `Default backend:\t${fallback ? await backendText(fallback, around) : '<default>'}\n`)
  if (spec.tls && spec.tls.length > 0) {
    page.write(0, 'TLS:\n')
    for (const one of spec.tls) {
      const hosts = (one.hosts ?? []).join(',')
      page.write(1, one.secretName ? `${one.secretName} terminates ${hosts}\n` : `SNI routes ${hosts}\n`)
    }
  }
  page.write(0, 'Rules:\n  Host\tPath\tBackends\n')
  page.write(1, '----\t----\t--------\n')
  let count = 0
  for (const rule of spec.rules ?? []) {
    if (!rule.http) continue
    count++
    page.write(1, `${rule.host || '*'}\t\n`)
    for (const path of rule.http.paths) page.write(2, `\t${path.path ?? ''} \t${await backendText(path.backend, around)}\n`)
  }
  if (count === 0) page.write(1, `*\t* \t${fallback ? await backendText(fallback, around) : '<default>'}\n`)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  eventsBlock(page, await around.events(), around.now)
}

async function backendText(backend: NonNullable<Ingress['spec']>['defaultBackend'], around: Surroundings): Promise<string> {
  const service = backend?.service
  if (!service) return `APIGroup: ${backend?.resource?.apiGroup ?? ''}, Kind: ${backend?.resource?.kind}, Name: ${backend?.resource?.name}`
  const shown = `${service.name}:${service.port?.number ?? service.port?.name ?? ''}`
  const live = await around.find<Service>('services', service.name)
  if (typeof live === 'string') return `${shown} (<error: ${live}>)`
  const slices = await around.list<EndpointSlice>('endpointslices.discovery.k8s.io', `kubernetes.io/service-name=${service.name}`)
  const port = live.spec?.ports?.find((one) => (service.port?.number ? one.port === service.port.number : one.name === service.port?.name))
  return `${shown} (${slices.length === 0 ? '<none>' : sliceAddresses(slices, port?.name ?? '')})`
}

export const describeNetworkPolicy: Describe<NetworkPolicy> = async ({ metadata = {}, spec }, page) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  page.write(0, `Namespace:\t${metadata.namespace}\n`)
  page.write(0, `Created on:\t${created(metadata.creationTimestamp)}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  page.write(0, 'Spec:\n')
  const everyPod = '<none> (Allowing the specific traffic to all pods in this namespace)'
  page.write(1, `PodSelector:     ${selectorText(spec?.podSelector, everyPod, everyPod)}\n`)
  const types = spec?.policyTypes ?? []
  const side = (name: string, rules: readonly any[] | undefined, on: boolean, peers: 'from' | 'to') => {
    if (!on) return page.write(1, `Not affecting ${name.toLowerCase()} traffic\n`)
    page.write(1, `Allowing ${name.toLowerCase()} traffic:\n`)
    rulesBlock(page, rules ?? [], peers, name.toLowerCase())
  }
  side('Ingress', spec?.ingress, types.length === 0 || types.includes('Ingress'), 'from')
  side('Egress', spec?.egress, types.includes('Egress'), 'to')
  page.write(1, `Policy Types: ${types.join(', ')}\n`)
}

function created(moment: string | undefined): string {
  if (!moment) return ''
  return `${moment.slice(0, 10)} ${moment.slice(11, 19)} +0000 UTC`
}

function rulesBlock(page: Page, rules: readonly any[], peers: 'from' | 'to', name: string): void {
  if (rules.length === 0) return page.write(2, `<none> (Selected pods are isolated for ${name} connectivity)\n`)
  const title = peers === 'from' ? 'From' : 'To'
  rules.forEach((rule, at) => {
    const ports = rule.ports ?? []
    if (ports.length === 0) page.write(2, 'To Port: <any> (traffic allowed to all ports)\n')
    for (const port of ports)
      page.write(
        2,
        `${port.endPort ? `To Port Range: ${port.port}-${port.endPort}` : `To Port: ${port.port ?? '<any>'}`}/${port.protocol ?? 'TCP'}\n`,
      )
    const others = rule[peers] ?? []
    if (others.length === 0) page.write(2, `${title}: <any> (traffic not restricted by ${peers === 'from' ? 'source' : 'destination'})\n`)
    for (const peer of others) {
      page.write(2, `${title}:\n`)
      if (peer.podSelector && peer.namespaceSelector) {
        page.write(3, `NamespaceSelector: ${selectorText(peer.namespaceSelector)}\n`)
        page.write(3, `PodSelector: ${selectorText(peer.podSelector)}\n`)
      } else if (peer.podSelector) page.write(3, `PodSelector: ${selectorText(peer.podSelector)}\n`)
      else if (peer.namespaceSelector) page.write(3, `NamespaceSelector: ${selectorText(peer.namespaceSelector)}\n`)
      else if (peer.ipBlock) {
        page.write(3, 'IPBlock:\n')
        page.write(4, `CIDR: ${peer.ipBlock.cidr}\n`)
        page.write(4, `Except: ${(peer.ipBlock.except ?? []).join(', ')}\n`)
      }
    }
    if (at !== rules.length - 1) page.write(2, '----------\n')
  })
}

export const describeIngressClass: Describe<any> = async ({ metadata = {}, spec = {} }, page, around) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  page.write(0, `Controller:\t${spec.controller ?? ''}\n`)
  if (spec.parameters) {
    page.write(0, 'Parameters:\n')
    if (spec.parameters.apiGroup !== undefined) page.write(1, `APIGroup:\t${spec.parameters.apiGroup}\n`)
    page.write(1, `Kind:\t${spec.parameters.kind}\n`)
    page.write(1, `Name:\t${spec.parameters.name}\n`)
  }
  eventsBlock(page, await around.events(), around.now)
}
