import type {
  Container,
  ContainerPort,
  EphemeralContainer,
  HTTPGetAction,
  Lifecycle,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Probe,
  Volume,
} from 'kubernetes-types/core/v1'
import { change, fill, fillText, mapSame, mapValues, put } from '../fill.ts'
import type { Plain } from '../plain.ts'
import { canonicalQuantity } from '../quantity.ts'

/** After core/v1 defaults.go: SetDefaults_PodSpec and what it reaches, as for a pod template. */
export function defaultPodSpec(spec: PodSpec): PodSpec {
  let result = fillText(spec, {
    dnsPolicy: 'ClusterFirst',
    restartPolicy: 'Always',
    securityContext: {},
    terminationGracePeriodSeconds: 30,
    schedulerName: 'default-scheduler',
  })
  result = change(result, 'containers', (containers) => mapSame(containers, defaultContainer))
  result = change(result, 'initContainers', (containers) => mapSame(containers, defaultContainer))
  result = change(result, 'ephemeralContainers', (containers) => mapSame(containers, defaultEphemeralContainer))
  result = change(result, 'volumes', (volumes) => mapSame(volumes, defaultVolume))
  // The older name of the field follows the newer one, and either may be given.
  const account = result.serviceAccountName || result.serviceAccount
  if (account) result = put(put(result, 'serviceAccountName', account), 'serviceAccount', account)
  return result
}

export function defaultPodTemplate(template: PodTemplateSpec | undefined): PodTemplateSpec {
  // In Go a spec is there, and defaulted, even where nobody wrote one.
  const whole = template?.spec ? template : { ...template, spec: {} as PodSpec }
  return change(whole, 'spec', defaultPodSpec)
}

/** What is defaulted for a pod but not in a template: requests from limits, service links, host ports. */
export function defaultPod<T extends Plain<Pod>>(pod: T): T {
  const whole = pod.spec ? pod : { ...pod, spec: {} }
  return change(whole, 'spec', (given) => {
    let spec = fill(defaultPodSpec(given), { enableServiceLinks: true })
    const each = (container: Container) => requestsFromLimits(spec.hostNetwork ? hostPorts(container) : container)
    spec = change(spec, 'containers', (containers) => mapSame(containers, each))
    return change(spec, 'initContainers', (containers) => mapSame(containers, each))
  }) as T
}

export function defaultContainer(container: Container): Container {
  let result = fillText(container, {
    imagePullPolicy: pullPolicy(container.image ?? ''),
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    resources: {},
  })
  result = change(result, 'ports', (ports) => mapSame(ports, defaultContainerPort))
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const) result = change(result, probe, defaultProbe)
  result = change(result, 'lifecycle', defaultLifecycle)
  result = change(result, 'env', (env) =>
    mapSame(env, (variable) =>
      change(variable, 'valueFrom', (source) => change(source, 'fieldRef', (ref) => fillText(ref, { apiVersion: 'v1' }))),
    ),
  )
  return change(result, 'resources', (resources) => {
    const canonical = (list: Record<string, string>) => mapValues(list, canonicalQuantity)
    return change(change(resources, 'limits', canonical), 'requests', canonical)
  })
}

export function defaultEphemeralContainer(container: EphemeralContainer): EphemeralContainer {
  return defaultContainer(container as Container) as EphemeralContainer
}

/** `Always` for the tag `latest`, which an image without tag and digest has. */
function pullPolicy(image: string): string {
  const digest = image.indexOf('@')
  const name = digest < 0 ? image : image.slice(0, digest)
  const colon = name.lastIndexOf(':')
  const tag = colon > name.lastIndexOf('/') ? name.slice(colon + 1) : digest < 0 ? 'latest' : ''
  return tag === 'latest' ? 'Always' : 'IfNotPresent'
}

function defaultContainerPort(port: ContainerPort): ContainerPort {
  return fillText(port, { protocol: 'TCP' })
}

function defaultProbe(probe: Probe): Probe {
  const positive = (value: number | undefined, otherwise: number) => value || otherwise
  let result = put(probe, 'timeoutSeconds', positive(probe.timeoutSeconds, 1))
  result = put(result, 'periodSeconds', positive(probe.periodSeconds, 10))
  result = put(result, 'successThreshold', positive(probe.successThreshold, 1))
  result = put(result, 'failureThreshold', positive(probe.failureThreshold, 3))
  result = change(result, 'grpc', (grpc) => fill(grpc, { service: '' }))
  return change(result, 'httpGet', defaultHttpGet)
}

function defaultLifecycle(lifecycle: Lifecycle): Lifecycle {
  const hook = (handler: NonNullable<Lifecycle['preStop']>) => change(handler, 'httpGet', defaultHttpGet)
  return change(change(lifecycle, 'postStart', hook), 'preStop', hook)
}

function defaultHttpGet(get: HTTPGetAction): HTTPGetAction {
  return fillText(get, { path: '/', scheme: 'HTTP' })
}

const fileMode = 0o644

function defaultVolume(volume: Volume): Volume {
  const { name: _name, ...sources } = volume
  if (!Object.values(sources).some((source) => source !== undefined && source !== null)) return { ...volume, emptyDir: {} }
  let result = change(volume, 'secret', (secret) => fill(secret, { defaultMode: fileMode }))
  result = change(result, 'configMap', (configMap) => fill(configMap, { defaultMode: fileMode }))
  result = change(result, 'hostPath', (hostPath) => fill(hostPath, { type: '' }))
  result = change(result, 'downwardAPI', (downward) =>
    change(fill(downward, { defaultMode: fileMode }), 'items', (items) =>
      mapSame(items, (item) => change(item, 'fieldRef', (ref) => fillText(ref, { apiVersion: 'v1' }))),
    ),
  )
  return change(result, 'projected', (projected) =>
    change(fill(projected, { defaultMode: fileMode }), 'sources', (items) =>
      mapSame(items, (source) => {
        const token = change(source, 'serviceAccountToken', (given) => fill(given, { expirationSeconds: 3600 }))
        return change(token, 'downwardAPI', (downward) =>
          change(downward, 'items', (files) =>
            mapSame(files, (file) => change(file, 'fieldRef', (ref) => fillText(ref, { apiVersion: 'v1' }))),
          ),
        )
      }),
    ),
  )
}

function requestsFromLimits(container: Container): Container {
  const { limits, requests } = container.resources ?? {}
  if (!limits || Object.keys(limits).every((key) => requests?.[key] !== undefined)) return container
  return { ...container, resources: { ...container.resources, requests: { ...limits, ...requests } } }
}

function hostPorts(container: Container): Container {
  return change(container, 'ports', (ports) => mapSame(ports, (port) => (port.hostPort ? port : put(port, 'hostPort', port.containerPort))))
}
