import type { FileSystem } from '../../../simulator/files.ts'
import { resolvePath } from '../../../simulator/files.ts'
import type { Process } from '../../../simulator/programs/process.ts'
import { Failure, PlainFailure } from '../cli/failure.ts'
import type { Flags } from '../cli/flags.ts'
import { parseDocuments } from '../objects/manifests.ts'
import { type Identity, identityOf } from './identity.ts'

export interface NamedCluster {
  name: string
  cluster: Record<string, any>
}
export interface NamedUser {
  name: string
  user: Record<string, any>
}
export interface NamedContext {
  name: string
  context: { cluster?: string; user?: string; namespace?: string; [field: string]: unknown }
}

/** A kubeconfig, merged from its files. `origin` tells which file a stanza came from (`clusters/kind`). */
export interface Kubeconfig {
  readonly files: readonly string[]
  readonly explicit: boolean
  clusters: NamedCluster[]
  users: NamedUser[]
  contexts: NamedContext[]
  currentContext: string
  readonly origin: Map<string, string>
}

/** Where requests go and as whom. */
export interface Target {
  readonly server: string
  readonly token: string | undefined
  /** The client certificate that is shown, and its key. */
  readonly identity: Identity | undefined
  readonly namespace: string
  readonly headers: Readonly<Record<string, string>>
  /** ms; 0 is without limit. */
  readonly timeout: number
}

const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Reads the files that `--kubeconfig`, `$KUBECONFIG` or `$HOME/.kube/config` name, in kubectl's order of precedence. */
export function readKubeconfig(process: Process, flags: Flags): Kubeconfig {
  const given = flags.text('kubeconfig')
  const listed = (process.env['KUBECONFIG'] ?? '').split(':').filter((path) => path !== '')
  const paths = given ? [given] : listed.length > 0 ? listed : [`${process.env['HOME'] ?? '/root'}/.kube/config`]
  const files = paths.map((path) => resolvePath(process.cwd, path))
  const config: Kubeconfig = { files, explicit: given !== '', clusters: [], users: [], contexts: [], currentContext: '', origin: new Map() }
  for (const file of files) {
    if (!process.files.exists(file)) {
      if (given) throw new Failure(`stat ${given}: no such file or directory`)
      continue
    }
    mergeFile(config, file, readOne(process.files, file, given || file))
  }
  return config
}

export function readOne(files: FileSystem, path: string, shown = path): Record<string, any> {
  const wrong = (problem: string) => new Failure(`error loading config file "${shown}": ${problem}`)
  const text = files.readText(path)
  let parsed: unknown
  try {
    const [first] = parseDocuments(text, shown)
    parsed = first ?? {}
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    throw wrong(error.message.replace(/^error parsing .*?: error converting YAML to JSON: /, ''))
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    const kind = Array.isArray(parsed) ? 'array' : typeof parsed === 'boolean' ? 'bool' : typeof parsed
    throw wrong(
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${kind} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    )
  }
  return parsed as Record<string, any>
}

function mergeFile(config: Kubeconfig, file: string, content: Record<string, any>): void {
  for (const [list, body] of [
    ['clusters', 'cluster'],
    ['users', 'user'],
    ['contexts', 'context'],
  ] as const) {
    for (const entry of content[list] ?? []) {
      if (config.origin.has(`${list}/${entry.name}`)) continue
      config.origin.set(`${list}/${entry.name}`, file)
      config[list].push({ name: entry.name, [body]: entry[body] ?? {} } as never)
    }
  }
  if (!config.currentContext && content['current-context']) {
    config.currentContext = content['current-context']
    config.origin.set('current-context', file)
  }
}

/** Applies flags to the kubeconfig, or takes the pod's service account where there is none. Throws in kubectl's words. */
export function resolveTarget(process: Process, config: Kubeconfig, flags: Flags): Target {
  for (const refused of ['username', 'password']) {
    if (flags.changed(refused))
      throw new Failure(`--${refused} is not supported by this kubectl: authenticate with a token or a client certificate`)
  }
  const contextName = flags.text('context') || config.currentContext
  const context = config.contexts.find((one) => one.name === contextName)?.context
  if (flags.text('context') && !context) throw notFound('context', contextName)
  const clusterName = flags.text('cluster') || context?.cluster || ''
  const userName = flags.global('user') || context?.user || ''
  const cluster = config.clusters.find((one) => one.name === clusterName)?.cluster
  const user = config.users.find((one) => one.name === userName)?.user
  if (flags.text('cluster') && !cluster && !flags.text('server'))
    throw new Failure(`no server found for cluster ${JSON.stringify(clusterName)}`)
  if (flags.global('user') && !user) throw new Failure(`auth info ${JSON.stringify(userName)} does not exist`)
  const inCluster = config.origin.size === 0 && !flags.text('server') ? fromServiceAccount(process) : undefined
  const server = flags.text('server') || cluster?.['server'] || inCluster?.server || 'http://localhost:8080'
  return {
    server: (server.includes('://') ? server : `http://${server}`).replace(/\/+$/, ''),
    identity: identityOf(process, config, userName, user ?? {}, flags),
    token: flags.text('token') || tokenOf(process, user) || inCluster?.token,
    namespace: flags.text('namespace') || context?.namespace || inCluster?.namespace || 'default',
    headers: impersonation(flags, user, userName),
    timeout: requestTimeout(flags.text('request-timeout')),
  }
}

function notFound(what: string, name: string): Failure {
  if (what === 'context') return new PlainFailure(`Error in configuration: context was not found for specified context: ${name}`)
  return new Failure(`${what} ${JSON.stringify(name)} does not exist`)
}

function tokenOf(process: Process, user: Record<string, any> | undefined): string | undefined {
  if (user?.['token']) return user['token']
  if (user?.['tokenFile']) return process.files.readText(resolvePath(process.cwd, user['tokenFile'])).trim()
  return undefined
}

function fromServiceAccount(process: Process): { server: string; token: string; namespace: string } | undefined {
  const host = process.env['KUBERNETES_SERVICE_HOST']
  const port = process.env['KUBERNETES_SERVICE_PORT']
  if (!host || !port || !process.files.exists(`${serviceAccount}/token`)) return undefined
  const namespace = process.files.exists(`${serviceAccount}/namespace`) ? process.files.readText(`${serviceAccount}/namespace`).trim() : ''
  return { server: `https://${host}:${port}`, token: process.files.readText(`${serviceAccount}/token`).trim(), namespace }
}

function impersonation(flags: Flags, user: Record<string, any> | undefined, userName: string): Record<string, string> {
  const headers: Record<string, string> = {}
  const name = flags.text('as') || user?.['as']
  if (name) headers['Impersonate-User'] = name
  const groups = flags.list('as-group')
  if (groups.length > 0) {
    if (!name) throw new Failure(`requesting uid, groups or user-extra for ${userName} without impersonating a user`)
    headers['Impersonate-Group'] = groups.join(', ')
  }
  if (flags.text('as-uid')) headers['Impersonate-Uid'] = flags.text('as-uid')
  const extras = new Map<string, string[]>()
  for (const pair of flags.list('as-user-extra')) {
    const at = pair.indexOf('=')
    // kubectl leaves out what is no pair.
    if (at < 1) continue
    const key = pair.slice(0, at)
    extras.set(key, [...(extras.get(key) ?? []), pair.slice(at + 1)])
  }
  // Header names know few signs, so the rest is percent-encoded (client-go's transport).
  for (const [key, values] of extras) headers[`Impersonate-Extra-${encodeURIComponent(key)}`] = values.join(', ')
  return headers
}

function requestTimeout(value: string): number {
  const match = /^(\d+)(ms|s|m|h)?$/.exec(value)
  if (!match)
    throw new Failure(
      'Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit (e.g. 1s | 2m | 3h)',
    )
  return Number(match[1]) * ({ ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] ?? 's'] as number)
}
