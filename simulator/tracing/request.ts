import { isAddress } from '../network/address.ts'

export type TraceSource =
  | { readonly kind: 'pod'; readonly namespace: string; readonly name: string; readonly container?: string }
  | { readonly kind: 'node'; readonly name: string }
  | { readonly kind: 'workstation' }
  /** A host on the Internet behind the cluster's router. */
  | { readonly kind: 'outside' }

export type TraceTarget =
  | { readonly kind: 'pod'; readonly namespace: string; readonly name: string; readonly port?: number | string }
  /** A port by number or name; absent: the only one. The client dials the cluster IP. */
  | { readonly kind: 'service'; readonly namespace: string; readonly name: string; readonly port?: number | string }
  | { readonly kind: 'node'; readonly name: string; readonly port?: number }
  | { readonly kind: 'address'; readonly address: string; readonly port?: number }
  /** A DNS name, which the client looks up. */
  | { readonly kind: 'name'; readonly name: string; readonly port?: number }
  | { readonly kind: 'url'; readonly url: string }

export const traceProtocols = ['tcp', 'udp', 'icmp', 'http'] as const
export type TraceProtocol = (typeof traceProtocols)[number]

/** What to try. Plain JSON. */
export interface TraceRequest {
  readonly from: TraceSource
  readonly to: TraceTarget
  /** Absent: http for a URL, the Service's own protocol, icmp where there is no port, otherwise tcp. */
  readonly protocol?: TraceProtocol
  /** How long the client waits for a connection or an answer, ms; 5000 where absent, at most `longestTimeout`. */
  readonly timeoutMs?: number
  /** Another draw where something is drawn: which endpoint a Service picks. */
  readonly draw?: number
}

/** Longer than the kernel retries a SYN (127 s). */
export const longestTimeout = 130_000

/** A request that makes no sense here; the message says what would. */
export class TraceError extends Error {
  readonly code: 'bad-request' | 'not-found'
  constructor(code: 'bad-request' | 'not-found', message: string) {
    super(message)
    this.name = 'TraceError'
    this.code = code
  }
}

const sources = 'pod/NAME, pod/NAMESPACE/NAME, node/NAME, workstation or outside'
const targets = 'svc/NAME:PORT, pod/NAME:PORT, node/NAME:PORT, ADDRESS:PORT, DNS-NAME:PORT or an http:// URL'
const kinds: Readonly<Record<string, 'pod' | 'service' | 'node'>> = {
  po: 'pod',
  pod: 'pod',
  pods: 'pod',
  svc: 'service',
  service: 'service',
  services: 'service',
  no: 'node',
  node: 'node',
  nodes: 'node',
}

/** Reads a source as people write it; names without a namespace are of `namespace`. Throws TraceError. */
export function readSource(text: string, namespace: string, container?: string): TraceSource {
  if (text === 'workstation' || text === 'outside') return { kind: text }
  const parts = text.split('/')
  const kind = kinds[parts[0] ?? '']
  if (kind === 'pod' && parts.length > 1) return { kind, ...named(text, parts.slice(1), namespace), ...(container ? { container } : {}) }
  if (kind === 'node' && parts.length === 2 && parts[1]) return { kind, name: parts[1] }
  throw new TraceError('bad-request', `"${text}" is no source for a trace: give ${sources}`)
}

/** Reads a destination as people write it. Throws TraceError. */
export function readTarget(text: string, namespace: string): TraceTarget {
  if (/^[a-z]+:\/\//i.test(text)) return { kind: 'url', url: readUrl(text) }
  const [, body = '', portText] = /^(.*?)(?::([^:/]*))?$/.exec(text) ?? []
  const parts = body.split('/')
  if (parts.length > 1) {
    const kind = kinds[parts[0] ?? '']
    if (kind === 'pod' || kind === 'service') {
      const port = portText === undefined ? {} : { port: /^\d+$/.test(portText) ? portNumber(portText) : portName(text, portText) }
      return { kind, ...named(text, parts.slice(1), namespace), ...port }
    }
    if (kind === 'node' && parts.length === 2 && parts[1])
      return { kind, name: parts[1], ...(portText === undefined ? {} : { port: portNumber(portText) }) }
    throw new TraceError('bad-request', `"${text}" is no destination for a trace: give ${targets}`)
  }
  const port = portText === undefined ? {} : { port: portNumber(portText) }
  if (isAddress(body)) return { kind: 'address', address: body, ...port }
  if (/^([a-z0-9_-]+\.)*[a-z0-9_-]+\.?$/i.test(body)) return { kind: 'name', name: body, ...port }
  throw new TraceError('bad-request', `"${text}" is no destination for a trace: give ${targets}`)
}

function named(text: string, parts: readonly string[], namespace: string): { namespace: string; name: string } {
  const [first = '', second] = parts
  if (parts.length > 2 || first === '' || second === '')
    throw new TraceError('bad-request', `"${text}" names no object: write NAME or NAMESPACE/NAME behind the kind`)
  return second === undefined ? { namespace, name: first } : { namespace: first, name: second }
}

function portNumber(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw new TraceError('bad-request', `"${text}" is no port: give 1 to 65535`)
  return port
}

function portName(whole: string, text: string): string {
  if (!/^[a-z0-9-]{1,15}$/.test(text))
    throw new TraceError('bad-request', `"${whole}" has no port that can be read: give a number or a port's name`)
  return text
}

function readUrl(text: string): string {
  if (!/^https?:\/\//i.test(text)) throw new TraceError('bad-request', `"${text}" cannot be traced: give an http:// or https:// URL`)
  try {
    return new URL(text).href
  } catch {
    throw new TraceError('bad-request', `"${text}" is no URL`)
  }
}
