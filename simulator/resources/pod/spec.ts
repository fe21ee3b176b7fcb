import type { PodDNSConfig, PodSpec, PodTemplateSpec } from 'kubernetes-types/core/v1'
import { validateAddress } from '../addresses.ts'
import type { FieldError } from '../definition.ts'
import { forbidden, invalid, invalidEach, notSupported, required } from '../fields.ts'
import { validateAnnotations, validateLabels } from '../metadata.ts'
import { isDns1123Label, isDns1123Subdomain, isDns1123SubdomainWithUnderscore, isQualifiedName, rangeSentence } from '../names.ts'
import { validateContainers, validateEphemeralContainers, validateInitContainers } from './container.ts'
import { validateAffinity, validateSchedulingGates, validateTolerations, validateTopologySpread } from './scheduling.ts'
import { validateVolumes } from './volume.ts'

/** Volumes that a StatefulSet adds to its pods, and so may be mounted by its template. */
interface SpecOptions {
  readonly isPod: boolean
  readonly claimedVolumes?: readonly string[]
}

/** After core validation's ValidatePodSpec, in its order. */
export function validatePodSpec(field: string, spec: PodSpec, options: SpecOptions): FieldError[] {
  const errors: FieldError[] = []
  const { names, errors: volumeErrors } = validateVolumes(`${field}.volumes`, spec.volumes ?? [])
  for (const name of options.claimedVolumes ?? []) names.add(name)
  errors.push(
    ...volumeErrors,
    ...validateContainers(`${field}.containers`, spec, names),
    ...validateInitContainers(`${field}.initContainers`, spec, names),
    ...validateEphemeralContainers(`${field}.ephemeralContainers`, spec, names),
    ...hostNetworkPorts(`${field}.containers`, spec, options.isPod),
    ...oneOf(`${field}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never']),
    ...oneOf(`${field}.dnsPolicy`, spec.dnsPolicy, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']),
    ...validateLabels(`${field}.nodeSelector`, spec.nodeSelector),
    ...validateAffinity(`${field}.affinity`, spec.affinity),
    ...validateDnsConfig(`${field}.dnsConfig`, spec.dnsConfig, spec.dnsPolicy),
  )
  spec.readinessGates?.forEach(
    ({ conditionType }, index) =>
      void errors.push(...invalidEach(`${field}.readinessGates[${index}].conditionType`, conditionType, isQualifiedName(conditionType))),
  )
  errors.push(
    ...validateSchedulingGates(`${field}.schedulingGates`, spec),
    ...validateTopologySpread(`${field}.topologySpreadConstraints`, spec.topologySpreadConstraints ?? []),
  )
  for (const key of ['serviceAccountName', 'nodeName'] as const) {
    if (spec[key]) errors.push(...invalidEach(`${field}.${key}`, spec[key], isDns1123Subdomain(spec[key]!)))
  }
  const deadline = spec.activeDeadlineSeconds
  if (deadline !== undefined && (deadline < 1 || deadline > 2147483647)) {
    errors.push(invalid(`${field}.activeDeadlineSeconds`, deadline, rangeSentence(1, 2147483647)))
  }
  for (const key of ['hostname', 'subdomain'] as const) {
    if (spec[key]) errors.push(...invalidEach(`${field}.${key}`, spec[key], isDns1123Label(spec[key]!)))
  }
  errors.push(...validateTolerations(`${field}.tolerations`, spec.tolerations ?? []))
  spec.hostAliases?.forEach((alias, index) => {
    errors.push(...validateAddress(`${field}.hostAliases[${index}].ip`, alias.ip ?? ''))
    alias.hostnames?.forEach(
      (hostname, position) =>
        void errors.push(...invalidEach(`${field}.hostAliases[${index}].hostnames[${position}]`, hostname, isDns1123Subdomain(hostname))),
    )
  })
  if (spec.priorityClassName) {
    errors.push(...invalidEach(`${field}.priorityClassName`, spec.priorityClassName, isDns1123Subdomain(spec.priorityClassName)))
  }
  if (spec.preemptionPolicy !== undefined) {
    errors.push(...oneOf(`${field}.preemptionPolicy`, spec.preemptionPolicy, ['PreemptLowerPriority', 'Never']))
  }
  return errors
}

export function validatePodTemplate(
  field: string,
  template: PodTemplateSpec | undefined,
  claimedVolumes: readonly string[] = [],
): FieldError[] {
  const spec = template?.spec ?? { containers: [] }
  const errors = [
    ...validateLabels(`${field}.labels`, template?.metadata?.labels),
    ...validateAnnotations(`${field}.annotations`, template?.metadata?.annotations),
    ...validatePodSpec(`${field}.spec`, spec, { isPod: false, claimedVolumes }),
  ]
  if (spec.ephemeralContainers?.length) {
    errors.push(forbidden(`${field}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'))
  }
  return errors
}

export function oneOf(field: string, value: string | undefined, supported: readonly string[]): FieldError[] {
  if (!value) return [required(field)]
  return supported.includes(value) ? [] : [notSupported(field, value, supported)]
}

function hostNetworkPorts(field: string, spec: PodSpec, isPod: boolean): FieldError[] {
  if (!spec.hostNetwork) return []
  return spec.containers.flatMap((container, index) =>
    (container.ports ?? []).flatMap(({ hostPort = 0, containerPort }, position) =>
      (isPod || hostPort) && hostPort !== containerPort
        ? [invalid(`${field}[${index}].ports[${position}].hostPort`, hostPort, 'must match `containerPort` when `hostNetwork` is true')]
        : [],
    ),
  )
}

function validateDnsConfig(field: string, config: PodDNSConfig | undefined, policy: string | undefined): FieldError[] {
  if (policy === 'None') {
    if (!config) return [required(field, 'must provide `dnsConfig` when `dnsPolicy` is None')]
    if (!config.nameservers?.length) {
      return [required(`${field}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None')]
    }
  }
  if (!config) return []
  const errors: FieldError[] = []
  const { nameservers = [], searches = [], options = [] } = config
  if (nameservers.length > 3) errors.push(invalid(`${field}.nameservers`, nameservers, 'must not have more than 3 nameservers'))
  nameservers.forEach((server, index) => void errors.push(...validateAddress(`${field}.nameservers[${index}]`, server)))
  if (searches.length > 32) errors.push(invalid(`${field}.searches`, searches, 'must not have more than 32 search paths'))
  if (searches.join(' ').length > 2048) {
    errors.push(invalid(`${field}.searches`, searches, 'must not have more than 2048 characters (including spaces) in the search list'))
  }
  searches.forEach((search, index) => {
    if (search === '.') return
    const name = search.endsWith('.') ? search.slice(0, -1) : search
    errors.push(...invalidEach(`${field}.searches[${index}]`, name, isDns1123SubdomainWithUnderscore(name)))
  })
  options.forEach((option, index) => {
    if (!option.name) errors.push(required(`${field}.options[${index}]`, 'must not be empty'))
  })
  return errors
}
