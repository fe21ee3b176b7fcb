import type { ConfigMap, Container, EnvVar, Pod, Secret, Service } from 'kubernetes-types/core/v1'
import { decodeBase64Text } from '../base64.ts'
import { fieldValue, resourceValue } from './downward.ts'

/** Why a container cannot be configured; the kubelet shows it as CreateContainerConfigError. */
export class ContainerConfigError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ContainerConfigError'
  }
}

export interface EnvironmentSources {
  configMap(name: string): ConfigMap | undefined
  secret(name: string): Secret | undefined
  /** Services of the pod's namespace. */
  services(): readonly Service[]
  /** `default/kubernetes` */
  apiService(): Service | undefined
  readonly addresses: readonly string[]
  readonly hostAddresses: readonly string[]
  readonly allocatable: Readonly<Record<string, string>>
}

/** A container's environment beyond its image's, after kubelet_pods.go: service variables, then envFrom, then env. */
export function environmentOf(pod: Pod, container: Container, sources: EnvironmentSources): Record<string, string> {
  const result: Record<string, string> = {}
  const services = serviceVariables(pod, sources)
  for (const from of container.envFrom ?? []) {
    const reference = from.configMapRef ?? from.secretRef
    const name = reference?.name ?? ''
    const data = from.configMapRef ? sources.configMap(name)?.data : from.secretRef ? secretText(sources.secret(name)) : undefined
    const known = from.configMapRef ? sources.configMap(name) : sources.secret(name)
    if (!known) {
      if (reference?.optional) continue
      throw new ContainerConfigError(`${from.configMapRef ? 'configmap' : 'secret'} "${name}" not found`)
    }
    for (const [key, value] of Object.entries(data ?? {})) result[`${from.prefix ?? ''}${key}`] = value
  }
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom
      ? valueFrom(pod, container, variable, sources)
      : expand(variable.value ?? '', (name) => result[name] ?? services[name])
    if (value !== undefined) result[variable.name] = value
  }
  return { ...services, ...result }
}

function valueFrom(pod: Pod, container: Container, variable: EnvVar, sources: EnvironmentSources): string | undefined {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = variable.valueFrom ?? {}
  if (fieldRef) return fieldValue(pod, fieldRef.fieldPath, sources)
  if (resourceFieldRef) return resourceValue(pod, container, resourceFieldRef, sources.allocatable)
  const namespace = pod.metadata?.namespace
  if (configMapKeyRef) {
    const map = sources.configMap(configMapKeyRef.name ?? '')
    const value = map?.data?.[configMapKeyRef.key]
    if (value !== undefined || configMapKeyRef.optional) return value
    throw new ContainerConfigError(
      map
        ? `couldn't find key ${configMapKeyRef.key} in ConfigMap ${namespace}/${configMapKeyRef.name}`
        : `configmap "${configMapKeyRef.name}" not found`,
    )
  }
  if (secretKeyRef) {
    const secret = sources.secret(secretKeyRef.name ?? '')
    const value = secretText(secret)[secretKeyRef.key]
    if (value !== undefined || secretKeyRef.optional) return value
    throw new ContainerConfigError(
      secret
        ? `couldn't find key ${secretKeyRef.key} in Secret ${namespace}/${secretKeyRef.name}`
        : `secret "${secretKeyRef.name}" not found`,
    )
  }
  throw new ContainerConfigError(
    `env "${variable.name}": the simulated cluster models fieldRef, resourceFieldRef, configMapKeyRef and secretKeyRef`,
  )
}

function secretText(secret: Secret | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(secret?.data ?? {}).map(([key, value]) => [key, decodeBase64Text(value)]))
}

/** `$(NAME)` becomes its value where known and stays as it is where not; `$$` is a dollar sign. */
export function expand(text: string, value: (name: string) => string | undefined): string {
  if (!text.includes('$')) return text
  return text.replace(/\$\$|\$\(([^()]*)\)/g, (whole, name?: string) => (whole === '$$' ? '$' : (value(name as string) ?? whole)))
}

/** The API server's own service always, the namespace's where the pod wants links; as docker links named them. */
function serviceVariables(pod: Pod, sources: EnvironmentSources): Record<string, string> {
  const variables: Record<string, string> = {}
  const api = sources.apiService()
  if (api) Object.assign(variables, variablesOf(api))
  if (pod.spec?.enableServiceLinks !== false) for (const service of sources.services()) Object.assign(variables, variablesOf(service))
  return variables
}

function variablesOf(service: Service): Record<string, string> {
  const address = service.spec?.clusterIP
  const ports = service.spec?.ports ?? []
  const [first] = ports
  if (!address || address === 'None' || !first) return {}
  const name = (service.metadata?.name ?? '').toUpperCase().replace(/-/g, '_')
  const host = address.includes(':') ? `[${address}]` : address
  const variables: Record<string, string> = {
    [`${name}_SERVICE_HOST`]: address,
    [`${name}_SERVICE_PORT`]: String(first.port),
  }
  for (const port of ports) {
    if (port.name) variables[`${name}_SERVICE_PORT_${port.name.toUpperCase().replace(/-/g, '_')}`] = String(port.port)
  }
  ports.forEach((port, index) => {
    const protocol = (port.protocol ?? 'TCP').toLowerCase()
    const url = `${protocol}://${host}:${port.port}`
    const prefix = `${name}_PORT_${port.port}_${protocol.toUpperCase()}`
    if (index === 0) variables[`${name}_PORT`] = url
    variables[prefix] = url
    variables[`${prefix}_PROTO`] = protocol
    variables[`${prefix}_PORT`] = String(port.port)
    variables[`${prefix}_ADDR`] = address
  })
  return variables
}
