import type { Container, ContainerPort, PodSpec, ResourceRequirements, VolumeMount } from 'kubernetes-types/core/v1'
import type { FieldError } from '../definition.ts'
import { duplicate, forbidden, invalid, invalidEach, notFound, notSupported, required } from '../fields.ts'
import { isDns1123Label, isQualifiedName, isValidPortName, isValidPortNumber, rangeSentence } from '../names.ts'
import { compareQuantities, parseQuantity, quantityFormatSentence } from '../quantity.ts'
import { validateEnv, validateEnvFrom } from './env.ts'
import { validateHandler, validateProbe } from './probe.ts'

export const protocols = ['SCTP', 'TCP', 'UDP']

/** The regular containers of a pod or template. `volumes` are the names that may be mounted. */
export function validateContainers(field: string, spec: PodSpec, volumes: ReadonlySet<string>): FieldError[] {
  const containers = spec.containers ?? []
  if (!containers.length) return [required(field)]
  const errors: FieldError[] = []
  const names = new Set<string>()
  containers.forEach((container, index) => {
    const at = `${field}[${index}]`
    errors.push(...validateContainer(at, container, volumes))
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name))
    names.add(container.name)
    errors.push(...validateHooks(at, container))
    if (container.restartPolicy !== undefined) {
      errors.push(forbidden(`${at}.restartPolicy`, 'may not be set for non-init containers'))
    }
  })
  errors.push(...hostPortConflicts(field, containers))
  return errors
}

export function validateInitContainers(field: string, spec: PodSpec, volumes: ReadonlySet<string>): FieldError[] {
  const errors: FieldError[] = []
  const names = new Set(spec.containers?.map((container) => container.name))
  ;(spec.initContainers ?? []).forEach((container, index) => {
    const at = `${field}[${index}]`
    errors.push(...validateContainer(at, container, volumes))
    const sidecar = container.restartPolicy === 'Always'
    if (container.restartPolicy !== undefined && !sidecar) {
      errors.push(notSupported(`${at}.restartPolicy`, container.restartPolicy, ['Always']))
    }
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name))
    else if (container.name) names.add(container.name)
    errors.push(...hostPortConflicts(field, [container]))
    if (sidecar) errors.push(...validateHooks(at, container))
    else {
      for (const key of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
        if (container[key]) errors.push(forbidden(`${at}.${key}`, 'may not be set for init containers without restartPolicy=Always'))
      }
    }
  })
  return errors
}

const notForEphemeral = ['ports', 'resources', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle'] as const

export function validateEphemeralContainers(field: string, spec: PodSpec, volumes: ReadonlySet<string>): FieldError[] {
  const errors: FieldError[] = []
  const others = new Set([...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((container) => container.name))
  const names = new Set(others)
  ;(spec.ephemeralContainers ?? []).forEach((container, index) => {
    const at = `${field}[${index}]`
    errors.push(...validateContainer(at, container as Container, volumes))
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name))
    names.add(container.name)
    if (container.targetContainerName && !others.has(container.targetContainerName)) {
      errors.push(notFound(`${at}.targetContainerName`, container.targetContainerName))
    }
    for (const key of notForEphemeral) {
      const value = container[key] as object | undefined
      if (value && Object.keys(value).length) errors.push(forbidden(`${at}.${key}`, 'cannot be set for an Ephemeral Container'))
    }
    container.volumeMounts?.forEach((mount, position) => {
      for (const key of ['subPath', 'subPathExpr'] as const) {
        if (mount[key]) errors.push(forbidden(`${at}.volumeMounts[${position}].${key}`, 'cannot be set for an Ephemeral Container'))
      }
    })
  })
  return errors
}

/** What holds for every sort of container (core validation's validateContainerCommon). */
function validateContainer(at: string, container: Container, volumes: ReadonlySet<string>): FieldError[] {
  const errors: FieldError[] = []
  if (!container.name) errors.push(required(`${at}.name`))
  else errors.push(...invalidEach(`${at}.name`, container.name, isDns1123Label(container.name)))
  if (!container.image) errors.push(required(`${at}.image`))
  const policies = ['File', 'FallbackToLogsOnError']
  if (!container.terminationMessagePolicy) errors.push(required(`${at}.terminationMessagePolicy`))
  else if (!policies.includes(container.terminationMessagePolicy)) {
    errors.push(notSupported(`${at}.terminationMessagePolicy`, container.terminationMessagePolicy, policies))
  }
  errors.push(
    ...validatePorts(`${at}.ports`, container.ports ?? []),
    ...validateEnv(`${at}.env`, container.env ?? []),
    ...validateEnvFrom(`${at}.envFrom`, container.envFrom ?? []),
    ...validateMounts(`${at}.volumeMounts`, container.volumeMounts ?? [], volumes),
  )
  const pull = ['Always', 'IfNotPresent', 'Never']
  if (!container.imagePullPolicy) errors.push(required(`${at}.imagePullPolicy`))
  else if (!pull.includes(container.imagePullPolicy)) {
    errors.push(notSupported(`${at}.imagePullPolicy`, container.imagePullPolicy, pull))
  }
  errors.push(...validateResources(`${at}.resources`, container.resources))
  for (const key of ['runAsUser', 'runAsGroup'] as const) {
    const id = container.securityContext?.[key]
    if (id !== undefined && (id < 0 || id > 2147483647)) {
      errors.push(invalid(`${at}.securityContext.${key}`, id, rangeSentence(0, 2147483647)))
    }
  }
  if (container.securityContext?.privileged && container.securityContext.allowPrivilegeEscalation === false) {
    errors.push(
      invalid(
        `${at}.securityContext`,
        container.securityContext,
        'cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
      ),
    )
  }
  return errors
}

function validateHooks(at: string, container: Container): FieldError[] {
  const errors: FieldError[] = []
  if (container.lifecycle?.postStart) errors.push(...validateHandler(`${at}.lifecycle.postStart`, container.lifecycle.postStart))
  if (container.lifecycle?.preStop) errors.push(...validateHandler(`${at}.lifecycle.preStop`, container.lifecycle.preStop))
  for (const kind of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    if (container[kind]) errors.push(...validateProbe(`${at}.${kind}`, container[kind]!, kind))
  }
  return errors
}

function validatePorts(field: string, ports: readonly ContainerPort[]): FieldError[] {
  const errors: FieldError[] = []
  const names = new Set<string>()
  ports.forEach((port, index) => {
    const at = `${field}[${index}]`
    if (port.name) {
      const sentences = isValidPortName(port.name)
      if (sentences.length) errors.push(...invalidEach(`${at}.name`, port.name, sentences))
      else if (names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name))
      else names.add(port.name)
    }
    if (!port.containerPort) errors.push(required(`${at}.containerPort`))
    else errors.push(...invalidEach(`${at}.containerPort`, port.containerPort, isValidPortNumber(port.containerPort)))
    if (port.hostPort) errors.push(...invalidEach(`${at}.hostPort`, port.hostPort, isValidPortNumber(port.hostPort)))
    errors.push(...validateProtocol(`${at}.protocol`, port.protocol))
  })
  return errors
}

export function validateProtocol(field: string, protocol: string | undefined): FieldError[] {
  if (!protocol) return [required(field)]
  return protocols.includes(protocol) ? [] : [notSupported(field, protocol, protocols)]
}

function hostPortConflicts(field: string, containers: readonly Container[]): FieldError[] {
  const errors: FieldError[] = []
  const taken = new Set<string>()
  containers.forEach((container, index) => {
    container.ports?.forEach((port, position) => {
      if (!port.hostPort) return
      const key = `${port.protocol}/${port.hostIP ?? ''}/${port.hostPort}`
      if (taken.has(key)) errors.push(duplicate(`${field}[${index}].ports[${position}].hostPort`, key))
      taken.add(key)
    })
  })
  return errors
}

function validateMounts(field: string, mounts: readonly VolumeMount[], volumes: ReadonlySet<string>): FieldError[] {
  const errors: FieldError[] = []
  const paths = new Set<string>()
  mounts.forEach((mount, index) => {
    const at = `${field}[${index}]`
    if (!mount.name) errors.push(required(`${at}.name`))
    if (!volumes.has(mount.name)) errors.push(notFound(`${at}.name`, mount.name ?? ''))
    if (!mount.mountPath) errors.push(required(`${at}.mountPath`))
    if (paths.has(mount.mountPath)) errors.push(invalid(`${at}.mountPath`, mount.mountPath, 'must be unique'))
    paths.add(mount.mountPath)
    // Upstream names the list, not the item, in these two.
    if (mount.subPath) errors.push(...validateRelativePath(`${field}.subPath`, mount.subPath))
    if (mount.subPathExpr) {
      if (mount.subPath) {
        errors.push(invalid(`${at}.subPathExpr`, mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive'))
      }
      errors.push(...validateRelativePath(`${field}.subPathExpr`, mount.subPathExpr))
    }
  })
  return errors
}

export function validateRelativePath(field: string, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (path.startsWith('/')) errors.push(invalid(field, path, 'must be a relative path'))
  if (path.split('/').includes('..')) errors.push(invalid(field, path, "must not contain '..'"))
  return errors
}

const containerResources = ['cpu', 'memory', 'ephemeral-storage']

/** Names and amounts of `resources`, and that no request is above its limit. */
export function validateResources(field: string, resources: ResourceRequirements | undefined): FieldError[] {
  const errors: FieldError[] = []
  const amounts = (kind: 'limits' | 'requests') => {
    for (const [name, text] of Object.entries(resources?.[kind] ?? {})) {
      const at = `${field}.${kind}[${name}]`
      errors.push(...validateContainerResourceName(at, name), ...validateAmount(at, text))
    }
  }
  amounts('limits')
  amounts('requests')
  for (const [name, text] of Object.entries(resources?.requests ?? {})) {
    const request = parseQuantity(text)
    const limit = parseQuantity(resources?.limits?.[name] ?? '')
    if (request && limit && compareQuantities(request, limit) > 0) {
      const sentence = `must be less than or equal to ${name} limit of ${resources!.limits![name]}`
      errors.push(invalid(`${field}.requests`, String(text), sentence))
    }
  }
  return errors
}

export function validateContainerResourceName(field: string, name: string): FieldError[] {
  const sentences = isQualifiedName(name)
  if (sentences.length) return invalidEach(field, name, sentences)
  if (name.includes('/') || containerResources.includes(name) || name.startsWith('hugepages-')) return []
  const errors: FieldError[] = []
  if (!standardResources.has(name)) errors.push(invalid(field, name, 'must be a standard resource type or fully qualified'))
  errors.push(invalid(field, name, 'must be a standard resource for containers'))
  return errors
}

const counted = [
  'pods',
  'services',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]
/** Resource names that need no domain. */
export const standardResources: ReadonlySet<string> = new Set([
  ...containerResources,
  ...containerResources.flatMap((name) => [`requests.${name}`, `limits.${name}`]),
  'storage',
  'requests.storage',
  ...counted,
])
const integerResources: ReadonlySet<string> = new Set(counted)

/** A quantity that is not negative, and whole for what is counted. */
export function validateAmount(field: string, text: string, name = ''): FieldError[] {
  const quantity = parseQuantity(text)
  if (!quantity) return [invalid(field, text, quantityFormatSentence)]
  const errors: FieldError[] = []
  if (quantity.nanos < 0n) errors.push(invalid(field, text, 'must be greater than or equal to 0'))
  if (integerResources.has(name) && quantity.nanos % 1_000_000_000n !== 0n) errors.push(invalid(field, text, 'must be an integer'))
  return errors
}
