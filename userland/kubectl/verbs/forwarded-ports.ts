import type { Pod, Service } from 'kubernetes-types/core/v1'
import { Failure } from '../cli/failure.ts'

export interface PortPair {
  /** 0: whichever is free. */
  readonly local: number
  readonly remote: number
}

/** `LOCAL:REMOTE` with numbers in place of the pod's or service's port names; after port-forward's own translations. Throws Failure. */
export function remotePorts(words: readonly string[], pod: Pod, service: Service | undefined): string[] {
  for (const word of words) refuseUdp(split(word).remote, pod, service)
  return words.map((word) => {
    let { local, remote } = split(word)
    if (service) {
      if (!isNumber(remote)) {
        const number = String(servicePortNamed(service, remote))
        if (local === remote) local = number
        remote = number
      }
      remote = String(targetOf(service, pod, Number(remote)))
    } else {
      if (remote === '') throw new Failure('remote port cannot be empty')
      if (!isNumber(remote)) {
        const number = String(containerPortNamed(pod, remote))
        if (local === remote) return number
        remote = number
      }
    }
    return local === remote ? remote : `${local}:${remote}`
  })
}

function split(word: string): { local: string; remote: string } {
  const parts = word.split(':')
  return parts.length === 2 ? { local: parts[0]!, remote: parts[1]! } : { local: parts[0]!, remote: parts[0]! }
}

function isNumber(text: string): boolean {
  return /^[+-]?\d+$/.test(text)
}

function servicePortNamed(service: Service, name: string): number {
  const port = service.spec?.ports?.find((one) => one.name === name)?.port
  if (port === undefined) throw new Failure(`Service '${service.metadata?.name}' does not have a named port '${name}'`)
  return port
}

function containerPortNamed(pod: Pod, name: string): number {
  const port = pod.spec?.containers.flatMap(({ ports }) => ports ?? []).find((one) => one.name === name)?.containerPort
  if (port === undefined) throw new Failure(`Pod '${pod.metadata?.name}' does not have a named port '${name}'`)
  return port
}

/** LookupContainerPortNumberByServicePort. */
function targetOf(service: Service, pod: Pod, number: number): number {
  const port = service.spec?.ports?.find((one) => one.port === number)
  if (!port) throw new Failure(`Service ${service.metadata?.name} does not have a service port ${number}`)
  if (service.spec?.clusterIP === 'None') return number
  const target = port.targetPort
  if (target === undefined || target === 0) return number
  return typeof target === 'number' ? target : containerPortNamed(pod, target)
}

function refuseUdp(remote: string, pod: Pod, service: Service | undefined): void {
  const ports = service
    ? (service.spec?.ports ?? []).map(({ port, protocol }) => ({ port, protocol }))
    : (pod.spec?.containers ?? []).flatMap((one) =>
        (one.ports ?? []).map(({ containerPort, protocol }) => ({ port: containerPort, protocol })),
      )
  const of = (protocol: string) => new Set(ports.filter((one) => (one.protocol ?? 'TCP') === protocol).map(({ port }) => port))
  const number = isNumber(remote)
    ? Number(remote)
    : service
      ? servicePortNamed(service, remote)
      : remote === ''
        ? 0
        : containerPortNamed(pod, remote)
  if (of('UDP').has(number) && !of('TCP').has(number)) throw new Failure(`UDP protocol is not supported for ${remote}`)
}

/** client-go's parsePorts. Throws Failure. */
export function parsePort(text: string): PortPair {
  const parts = text.split(':')
  if (parts.length > 2) throw new Failure(`invalid port format '${text}'`)
  const [first = '', second = first] = parts
  const local = number('local', parts.length === 2 && first === '' ? '0' : first)
  const remote = number('remote', second)
  if (remote === 0) throw new Failure('remote port must be > 0')
  return { local, remote }
}

function number(which: string, text: string): number {
  const problem = !/^\d+$/.test(text) ? 'invalid syntax' : Number(text) > 65_535 ? 'value out of range' : undefined
  if (problem) throw new Failure(`error parsing ${which} port '${text}': strconv.ParseUint: parsing ${JSON.stringify(text)}: ${problem}`)
  return Number(text)
}

/** What `--address` means, in the order in which client-go listens. `all`: of these one is enough. Throws Failure. */
export function localAddresses(given: readonly string[]): { address: string; family: 'tcp4' | 'tcp6'; all: boolean }[] {
  const found = new Map<string, { address: string; family: 'tcp4' | 'tcp6'; all: boolean }>()
  for (const word of given) {
    if (word === 'localhost') {
      if (!found.has('127.0.0.1')) found.set('127.0.0.1', { address: '127.0.0.1', family: 'tcp4', all: true })
      if (!found.has('::1')) found.set('::1', { address: '::1', family: 'tcp6', all: true })
    } else if (/^\d{1,3}(\.\d{1,3}){3}$/.test(word) && word.split('.').every((part) => Number(part) < 256))
      found.set(word, { address: word, family: 'tcp4', all: false })
    else if (/^[0-9a-fA-F:]*:[0-9a-fA-F:.]*$/.test(word)) found.set(word, { address: word, family: 'tcp6', all: false })
    else throw new Failure(`${word} is not a valid IP`)
  }
  return [...found.values()].sort((a, b) => (a.address < b.address ? -1 : 1))
}
