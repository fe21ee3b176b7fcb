import type { Pod } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../../../kubernetes.ts'
import { CorefileError } from '../corefile.ts'
import type { Plugin, Setup } from '../plugin.ts'
import { type Answer, canonical, type Handler, isBelow, type Query, type Reply, renamed } from '../query.ts'

/**
 * Walks the search path for the client, which so asks once instead of once per domain: `autopath [ZONE…] @kubernetes|FILE`. With
 * `@kubernetes` the path is that of the pod which asks, so the kubernetes plugin must know pods (`pods verified`). Follows plugin/autopath.
 */
export const autopath: Plugin = (setup) => {
  const { directive, server, zones } = setup
  const source = directive.args.at(-1)
  if (source === undefined) throw new CorefileError('no resolv-conf specified')
  const own = directive.args.slice(0, -1).map(canonical)
  const within = own.length ? own : zones
  const fromFile = source.startsWith('@') ? undefined : searchOf(setup, source)
  if (source.startsWith('@') && source !== '@kubernetes')
    throw new CorefileError(`${source.slice(1)} does not implement the AutoPather interface`)
  const hostSearch = fromFile ?? searchOf(setup, '/etc/resolv.conf', true)
  const podSearch = (query: Query): string[] | undefined => {
    const zone = within.filter((one) => !one.endsWith('.arpa.') && isBelow(query.name, one)).sort((a, b) => b.length - a.length)[0]
    const pod = server
      .api()
      ?.list<Pod & KubeObject>('pods')
      .find(({ status }) => status?.podIP === query.remote.address)
    if (!pod || zone === undefined) return undefined
    const cluster = server.clusterZone() ?? zone
    return [`${pod.metadata?.namespace}.svc.${cluster}`, `svc.${cluster}`, cluster, ...hostSearch, '']
  }
  return (next) => (query, reply) => {
    if (!within.some((zone) => isBelow(query.name, zone))) return next(query, reply)
    const search = fromFile ? [...fromFile, ''] : server.knowsPods() ? podSearch(query) : undefined
    const first = search?.[0]
    if (!search || first === undefined || !isBelow(query.name, first) || query.name === first) return next(query, reply)
    walk(next, query, query.name.slice(0, -first.length - 1), search, reply)
  }
}

/** The first name on the path that exists, as an alias of the one that was asked for; otherwise what the first one got. */
function walk(next: Handler, query: Query, base: string, search: readonly string[], reply: Reply): void {
  let first: Answer | undefined
  const attempt = (index: number) => {
    const domain = search[index]
    if (domain === undefined) return reply(first!)
    const name = domain === '' ? `${base}.` : `${base}.${domain}`
    next(renamed(query, name), (answer) => {
      first ??= answer
      if (answer.error !== undefined) return reply(answer)
      if (answer.rcode !== 'NOERROR') return attempt(index + 1)
      if (name === query.name || answer.answers.length === 0) return reply(answer)
      const ttl = Math.min(...answer.answers.map((record) => record.ttl))
      reply({ ...answer, answers: [{ name: query.name, type: 'CNAME', ttl, data: name }, ...answer.answers] })
    })
  }
  attempt(0)
}

function searchOf({ context }: Setup, path: string, optional = false): string[] {
  if (!context.files.exists(path)) {
    if (optional) return []
    throw new CorefileError(`failed to parse "${path}": open ${path}: no such file or directory`)
  }
  const lines = context.files.readText(path).split('\n')
  const last = lines.map((line) => /^\s*search\s+(.*)$/.exec(line)?.[1]).findLast((found) => found !== undefined)
  return last?.trim().split(/\s+/).map(canonical) ?? []
}
