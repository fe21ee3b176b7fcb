import type { Container, ContainerState, ContainerStatus, Pod, Probe } from 'kubernetes-types/core/v1'
import { longMoment } from '../print/age.ts'
import type { Page } from './page.ts'
import { quantityValue } from './quantity.ts'

/** `Containers:` of a pod or a template (then `space` is what its lines are moved by). */
export function containersBlock(
  page: Page,
  label: string,
  containers: readonly Container[],
  statuses: readonly ContainerStatus[],
  space: string,
  pod?: Pod,
): void {
  if (containers.length === 0) return page.write(0, `${space}${label}: <none>\n`)
  page.write(0, `${space}${label}:\n`)
  for (const container of containers) {
    const status = statuses.find((one) => one.name === container.name)
    basics(page, container, status, space)
    words(page, 'Command', container.command)
    words(page, 'Args', container.args)
    if (status) states(page, status)
    resources(page, container.resources)
    probe(page, 'Liveness', container.livenessProbe)
    probe(page, 'Readiness', container.readinessProbe)
    probe(page, 'Startup', container.startupProbe)
    environmentFrom(page, container)
    environment(page, container, pod)
    mounts(page, container)
  }
}

function basics(page: Page, container: Container, status: ContainerStatus | undefined, space: string): void {
  page.write(1, `${space === '' ? '' : ' '}${container.name}:\n`)
  if (status) page.write(2, `Container ID:\t${status.containerID ?? ''}\n`)
  page.write(2, `Image:\t${container.image ?? ''}\n`)
  if (status) page.write(2, `Image ID:\t${status.imageID ?? ''}\n`)
  const ports = (container.ports ?? []).map(
    (port) => `${port.containerPort}/${port.protocol ?? 'TCP'}${port.name ? ` (${port.name})` : ''}`,
  )
  const hostPorts = (container.ports ?? []).map(
    (port) => `${port.hostPort ?? 0}/${port.protocol ?? 'TCP'}${port.name ? ` (${port.name})` : ''}`,
  )
  page.always(2, ports.length > 1 ? 'Ports' : 'Port', ports.join(', '))
  page.always(2, hostPorts.length > 1 ? 'Host Ports' : 'Host Port', hostPorts.join(', '))
}

function words(page: Page, title: string, list: readonly string[] | undefined): void {
  if (!list || list.length === 0) return
  page.write(2, `${title}:\n`)
  for (const word of list) for (const line of word.split('\n')) page.write(3, `${line}\n`)
}

function states(page: Page, status: ContainerStatus): void {
  state(page, 'State', status.state ?? {})
  if (status.lastState?.terminated) state(page, 'Last State', status.lastState)
  page.write(2, `Ready:\t${status.ready ? 'True' : 'False'}\n`)
  page.write(2, `Restart Count:\t${status.restartCount}\n`)
}

function state(page: Page, title: string, { running, waiting, terminated }: ContainerState): void {
  if (running) {
    page.write(2, `${title}:\tRunning\n`)
    page.write(3, `Started:\t${longMoment(running.startedAt)}\n`)
  } else if (waiting) {
    page.write(2, `${title}:\tWaiting\n`)
    page.field(3, 'Reason', waiting.reason)
  } else if (terminated) {
    page.write(2, `${title}:\tTerminated\n`)
    page.field(3, 'Reason', terminated.reason)
    page.field(3, 'Message', terminated.message)
    page.write(3, `Exit Code:\t${terminated.exitCode}\n`)
    if (terminated.signal) page.write(3, `Signal:\t${terminated.signal}\n`)
    page.write(3, `Started:\t${longMoment(terminated.startedAt)}\n`)
    page.write(3, `Finished:\t${longMoment(terminated.finishedAt)}\n`)
  } else page.write(2, `${title}:\tWaiting\n`)
}

export function resources(page: Page, given: Container['resources'], level = 2): void {
  for (const [title, list] of [
    ['Limits', given?.limits],
    ['Requests', given?.requests],
  ] as const) {
    const names = Object.keys(list ?? {}).sort()
    if (names.length > 0) page.write(level, `${title}:\n`)
    for (const name of names) page.write(level + 1, `${name}:\t${(list as Record<string, unknown>)[name]}\n`)
  }
}

function probe(page: Page, title: string, given: Probe | undefined): void {
  if (given) page.write(2, `${title}:\t${probeText(given)}\n`)
}

/** `http-get http://:80/ready delay=0s timeout=1s period=10s #success=1 #failure=3` */
export function probeText(given: Probe): string {
  const numbers = `delay=${given.initialDelaySeconds ?? 0}s timeout=${given.timeoutSeconds ?? 0}s period=${given.periodSeconds ?? 0}s #success=${given.successThreshold ?? 0} #failure=${given.failureThreshold ?? 0}`
  if (given.exec) return `exec [${(given.exec.command ?? []).join(' ')}] ${numbers}`
  if (given.httpGet) {
    const { scheme = '', host = '', port, path = '' } = given.httpGet
    return `http-get ${scheme.toLowerCase()}://${host}:${port ?? ''}${path.startsWith('/') ? path : `/${path}`} ${numbers}`
  }
  if (given.tcpSocket) return `tcp-socket ${given.tcpSocket.host ?? ''}:${given.tcpSocket.port} ${numbers}`
  const grpc = (given as { grpc?: { port: number; service?: string } }).grpc
  if (grpc) return `grpc <pod>:${grpc.port} ${grpc.service ?? ''} ${numbers}`
  return `unknown ${numbers}`
}

function environmentFrom(page: Page, container: Container): void {
  if (!container.envFrom || container.envFrom.length === 0) return
  page.write(2, 'Environment Variables from:\n')
  for (const one of container.envFrom) {
    const [from, source] = one.configMapRef ? (['ConfigMap', one.configMapRef] as const) : (['Secret', one.secretRef] as const)
    const prefix = one.prefix ? ` with prefix '${one.prefix}'` : ''
    page.write(3, `${source?.name}\t${from}${prefix}\tOptional: ${source?.optional ?? false}\n`)
  }
}

function environment(page: Page, container: Container, pod: Pod | undefined): void {
  if (!container.env || container.env.length === 0) return page.write(2, 'Environment:\t<none>\n')
  page.write(2, 'Environment:\n')
  for (const { name, value, valueFrom } of container.env) {
    if (!valueFrom) {
      const [first = '', ...lines] = (value ?? '').split('\n')
      page.write(3, `${name}:\t${first}\n`)
      for (const line of lines) page.write(3, `\t${line}\n`)
    } else if (valueFrom.fieldRef) {
      page.write(
        3,
        `${name}:\t${fieldText(pod, valueFrom.fieldRef.fieldPath)} (${valueFrom.fieldRef.apiVersion ?? 'v1'}:${valueFrom.fieldRef.fieldPath})\n`,
      )
    } else if (valueFrom.resourceFieldRef) {
      const own = valueFrom.resourceFieldRef
      const amount = resolveResource(container, own.resource, own.divisor as string | undefined)
      page.write(3, `${name}:\t${amount} (${own.resource})\n`)
    } else if (valueFrom.secretKeyRef) {
      const { key, name: secret, optional } = valueFrom.secretKeyRef
      page.write(3, `${name}:\t<set to the key '${key}' in secret '${secret}'>\tOptional: ${optional ?? false}\n`)
    } else if (valueFrom.configMapKeyRef) {
      const { key, name: map, optional } = valueFrom.configMapKeyRef
      page.write(3, `${name}:\t<set to the key '${key}' of config map '${map}'>\tOptional: ${optional ?? false}\n`)
    }
  }
}

/** Only what the metadata says is resolved here; what the status says is shown as empty, as kubectl does. */
function fieldText(pod: Pod | undefined, path: string): string {
  const metadata = pod?.metadata
  const named: Record<string, string | undefined> = {
    'metadata.name': metadata?.name,
    'metadata.namespace': metadata?.namespace,
    'metadata.uid': metadata?.uid,
  }
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path)
  if (keyed) return metadata?.[keyed[1] as 'labels' | 'annotations']?.[keyed[2] as string] ?? ''
  return named[path] ?? ''
}

function resolveResource(container: Container, resource: string, divisor: string | undefined): string {
  const [kind, name] = resource.split('.') as ['limits' | 'requests', string]
  const amount = (container.resources?.[kind] as Record<string, string> | undefined)?.[name]
  if (amount === undefined) return kind === 'limits' ? 'node allocatable' : '0'
  // Rounded up in units of the divisor, as the container itself sees it.
  return String(Math.ceil(quantityValue(amount) / (quantityValue(divisor ?? '1') || 1)))
}

function mounts(page: Page, container: Container): void {
  const list = [...(container.volumeMounts ?? [])].sort((a, b) => (a.mountPath < b.mountPath ? -1 : 1))
  if (list.length === 0) page.write(2, 'Mounts:\t<none>\n')
  else page.write(2, 'Mounts:\n')
  for (const mount of list) {
    const flags = [...(mount.readOnly ? ['ro'] : ['rw']), ...(mount.subPath ? [`path=${JSON.stringify(mount.subPath)}`] : [])]
    page.write(3, `${mount.mountPath} from ${mount.name} (${flags.join(',')})\n`)
  }
}
