import { chooseLocation as chooseByModifier } from '../nginx/answer.ts'
import { type Configuration, catchAll, type Location, type Server } from './configuration.ts'

/** The server for a host: its own, then a wildcard's with one label in its place, then the catch-all. */
export function serverFor({ servers }: Configuration, host: string): Server {
  const name = host.toLowerCase().replace(/:\d+$/, '')
  const all = [...servers.values()]
  return (
    servers.get(name) ??
    all.find(({ aliases }) => aliases.includes(name)) ??
    all.find(
      (server) =>
        server.host.startsWith('*.') && /^[\w-]+$/.test(name.slice(0, -(server.host.length - 1))) && name.endsWith(server.host.slice(1)),
    ) ??
    servers.get(catchAll)!
  )
}

/** nginx's choice among the locations of a server: exact, then the longest prefix; where one is a regular expression, the first that fits. */
export function locationFor(server: Server, path: string): Location | undefined {
  if (server.regex) return server.locations.find((one) => patternOf(one.path).test(path))
  const candidates = server.locations.map((one) => ({ modifier: one.exact ? ('=' as const) : ('' as const), path: one.path, one }))
  return chooseByModifier(candidates, path)?.one
}

/** nginx sends whoever forgot the slash of a prefix that ends with one there (ngx_http_proxy_module's automatic redirect). */
export function lacksSlash(server: Server, chosen: Location, path: string): boolean {
  return !server.regex && !(chosen.exact && chosen.path === path) && server.locations.some((one) => !one.exact && one.path === `${path}/`)
}

/** Throws SyntaxError for a path that is no regular expression. */
export function patternOf(path: string): RegExp {
  return new RegExp(`^${path}`, 'i')
}

/** The path that goes upstream: `rewrite "(?i)PATH" TARGET break;`. */
export function rewritten({ path: pattern, annotations }: Location, path: string): string {
  const target = annotations?.rewriteTarget
  if (!target || target === pattern) return path
  const found = new RegExp(pattern, 'i').exec(path)
  return found ? target.replace(/\$(\d)/g, (_, digit) => found[Number(digit)] ?? '') : path
}
