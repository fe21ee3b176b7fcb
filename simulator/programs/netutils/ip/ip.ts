import { isAddress } from '../../../network/address.ts'
import { KernelError } from '../../../network/kernel-error.ts'
import type { NetworkNamespace } from '../../../network/namespace.ts'
import { routeLine } from '../../../network/route-line.ts'
import type { NewRoute, RouteTable, RouteType } from '../../../network/routing.ts'
import type { Process } from '../../process.ts'
import { command } from '../command.ts'
import { UsageError } from '../options.ts'
import { addressLines, briefLine, linkLines, statisticsLines } from './links.ts'
import { neighbourLines, ruleLine, sortedRoutes } from './routes.ts'

const version = 'ip utility, iproute2-6.1.0, libbpf 1.1.0'
const usage = `Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }
where  OBJECT := { address | link | neighbour | route | rule }
       OPTIONS := { -V[ersion] | -s[tatistics] | -d[etails] | -4 | -o[neline] | -br[ief] }`

interface Flags {
  readonly brief: boolean
  readonly oneline: boolean
  readonly details: boolean
  readonly statistics: boolean
  readonly six: boolean
}

/** ip of iproute2: showing and changing addresses, links, routes, rules and neighbours. Other objects are refused. */
export const ip = command('iproute2/ip', async (process) => {
  const words = process.argv.slice(1)
  const options: string[] = []
  while (words[0]?.startsWith('-')) options.push(words.shift() as string)
  if (options.some((option) => option === '-V' || option.startsWith('-Ver'))) {
    await process.stdout.write(`${version}\n`)
    return 0
  }
  const set = (...names: string[]) => options.some((option) => names.includes(option.replace(/^--/, '-')))
  const flags = {
    brief: set('-br', '-brief'),
    oneline: set('-o', '-oneline'),
    details: set('-d', '-details'),
    statistics: set('-s', '-statistics', '-stats'),
    six: set('-6'),
  }
  const odd = options.find(
    (option) => !/^--?(4|6|br(ief)?|o(neline)?|d(etails)?|s(tatistics|tats)?|c(olor)?(=\w+)?|a(ll)?|n|N|h|r)$/.test(option),
  )
  if (odd !== undefined) throw new UsageError(`Option "${odd}" is unknown, try "ip -help".`, 255)
  const [object, ...rest] = words
  if (object === undefined) throw new UsageError(usage, 255)
  const run = objectOf(object)
  if (!run) throw new UsageError(`Object "${object}" is unknown, try "ip help".`, 1)
  if (typeof run === 'string') throw new UsageError(`ip: the simulated ip does not model the object "${run}"`, 1)
  try {
    const lines = run(process, rest, flags)
    const text = flags.oneline ? oneLine(lines) : lines
    if (text.length > 0) await process.stdout.write(`${text.join('\n')}\n`)
    return 0
  } catch (error) {
    if (error instanceof KernelError) {
      const missing = /^Cannot find device "[^"]*"/.exec(error.message)?.[0]
      throw new UsageError(missing ?? `RTNETLINK answers: ${error.strerror}`, missing ? 1 : 2)
    }
    throw error
  }
})

type Run = (process: Process, words: readonly string[], flags: Flags) => string[]

function objectOf(name: string): Run | string | undefined {
  const objects: Record<string, Run> = { address, link, route, rule, neighbour, neighbor: neighbour }
  const found = Object.keys(objects).find((object) => object.startsWith(name))
  if (found !== undefined) return objects[found]
  const other = ['netns', 'tunnel', 'maddress', 'monitor', 'xfrm', 'token', 'vrf'].find((object) => object.startsWith(name))
  return other
}

/** `-o`: what belongs together on one line, joined by a backslash. */
function oneLine(lines: readonly string[]): string[] {
  const joined: string[] = []
  for (const line of lines) {
    if (line.startsWith(' ') && joined.length > 0) joined[joined.length - 1] += `\\${line}`
    else joined.push(line)
  }
  return joined
}

const isShow = (word: string | undefined) => word === undefined || 'show'.startsWith(word) || 'list'.startsWith(word) || word === 'ls'

/** `dev NAME` or a bare name behind show. */
function deviceOf(words: readonly string[]): string | undefined {
  const at = words.indexOf('dev')
  if (at >= 0) return words[at + 1]
  return words.find((word) => !['up', 'scope', 'type', 'master', 'global', 'link', 'host'].includes(word))
}

function after(words: readonly string[], key: string): string | undefined {
  const at = words.indexOf(key)
  return at < 0 ? undefined : words[at + 1]
}

function shownLinks(namespace: NetworkNamespace, words: readonly string[]) {
  const rest = words.slice(1)
  const master = after(rest, 'master')
  const kind = after(rest, 'type')
  const filtered = rest.filter((word, index) => !['master', 'type'].includes(word) && !['master', 'type'].includes(rest[index - 1] ?? ''))
  const name = deviceOf(filtered)
  if (name !== undefined && !namespace.link(name)) throw new UsageError(`Device "${name}" does not exist.`, 1)
  return namespace
    .links()
    .filter(
      (link) =>
        (name === undefined || link.name === name) &&
        (master === undefined || link.master?.name === master) &&
        (kind === undefined || link.kind === kind) &&
        (!filtered.includes('up') || link.up),
    )
}

function address({ namespace }: Process, words: readonly string[], flags: Flags): string[] {
  const [verb, cidr = ''] = words
  if (isShow(verb)) {
    if (flags.six) return []
    const links = shownLinks(namespace, words)
    if (flags.brief) return links.map((link) => briefLine(link, 'addr'))
    if (flags.oneline) {
      return links.flatMap((link) => {
        const [, , ...inet] = addressLines(link)
        return inet
          .filter((line) => line.includes('inet'))
          .map((line) => `${link.index}: ${link.name}    ${line.trim()}\\       valid_lft forever preferred_lft forever`)
      })
    }
    return links.flatMap((link) => [...addressLines(link), ...(flags.statistics ? statisticsLines(link) : [])])
  }
  const dev = after(words, 'dev')
  if (dev === undefined) throw new UsageError('Not enough information: "dev" argument is required.', 255)
  if (!isAddress(cidr.split('/')[0] ?? '')) throw new UsageError(`Error: any valid prefix is expected rather than "${cidr}".`, 1)
  if (verb === 'add') namespace.addAddress(dev, cidr.includes('/') ? cidr : `${cidr}/32`)
  else if (verb !== undefined && 'delete'.startsWith(verb)) namespace.removeAddress(dev, cidr)
  else throw new UsageError(`Command "${verb}" is unknown, try "ip address help".`, 255)
  return []
}

function link({ namespace }: Process, words: readonly string[], flags: Flags): string[] {
  const [verb] = words
  if (isShow(verb)) {
    const links = shownLinks(namespace, words)
    if (flags.brief) return links.map((one) => briefLine(one, 'link'))
    return links.flatMap((one) => [...linkLines(one, flags.details), ...(flags.statistics ? statisticsLines(one) : [])])
  }
  const name = after(words, 'dev') ?? words[1] ?? ''
  if (verb === 'set') {
    const mtu = after(words, 'mtu')
    const mac = after(words, 'address')
    const master = after(words, 'master')
    const rename = after(words, 'name')
    namespace.setLink(name, {
      ...(words.includes('up') ? { up: true } : words.includes('down') ? { up: false } : {}),
      ...(mtu === undefined ? {} : { mtu: Number(mtu) }),
      ...(mac === undefined ? {} : { mac }),
      ...(words.includes('nomaster') ? { master: null } : master === undefined ? {} : { master }),
      ...(rename === undefined ? {} : { name: rename }),
    })
    return []
  }
  if (verb !== undefined && 'delete'.startsWith(verb)) {
    namespace.removeLink(name)
    return []
  }
  if (verb === 'add') {
    const type = after(words, 'type')
    if (type === 'dummy') namespace.addDummy(name)
    else if (type === 'bridge') namespace.addBridge(name)
    else throw new UsageError(`ip: the simulated "ip link add" makes links of type dummy and bridge, not ${type ?? 'none'}`, 1)
    return []
  }
  throw new UsageError(`Command "${verb}" is unknown, try "ip link help".`, 255)
}

function route({ namespace }: Process, words: readonly string[], flags: Flags): string[] {
  const [verb, ...rest] = words
  const { routing } = namespace
  if (verb === 'get') return routeGet(namespace, rest)
  if (isShow(verb)) {
    if (flags.six) return []
    const table = (after(rest, 'table') ?? 'main') as RouteTable
    const wanted = /^\d+$/.test(String(table)) ? Number(table) : table
    const dev = after(rest, 'dev')
    const dst = rest.find(
      (word, index) =>
        !['dev', 'table', 'proto', 'via', 'scope'].includes(word) &&
        !['dev', 'table', 'proto', 'via', 'scope'].includes(rest[index - 1] ?? ''),
    )
    const prefix = dst === undefined ? undefined : dst === 'default' ? '0.0.0.0/0' : dst.includes('/') ? dst : `${dst}/32`
    return sortedRoutes(
      routing.routes.filter(
        (one) =>
          (table === ('all' as RouteTable) || one.table === wanted) &&
          (dev === undefined || one.dev === dev) &&
          (prefix === undefined || one.dst === prefix),
      ),
    ).map((one) => routeLine(namespace, one))
  }
  const types: readonly RouteType[] = ['blackhole', 'unreachable', 'prohibit']
  const type = types.find((candidate) => rest[0] === candidate)
  const dst = type ? rest[1] : rest[0]
  if (dst === undefined) throw new UsageError('"ip route add" without arguments', 255)
  const via = after(rest, 'via')
  const dev = after(rest, 'dev')
  const src = after(rest, 'src')
  const metric = after(rest, 'metric')
  const mtu = after(rest, 'mtu')
  const wanted: NewRoute = {
    dst: dst === 'default' ? '0.0.0.0/0' : dst.includes('/') ? dst : `${dst}/32`,
    ...(type ? { type } : {}),
    ...(via === undefined ? {} : { via }),
    ...(dev === undefined ? {} : { dev }),
    ...(src === undefined ? {} : { src }),
    ...(metric === undefined ? {} : { metric: Number(metric) }),
    ...(mtu === undefined ? {} : { mtu: Number(mtu) }),
    ...(rest.includes('onlink') ? { onlink: true } : {}),
  }
  if (verb === 'add') routing.add(wanted)
  else if (verb === 'replace' || verb === 'change') routing.add(wanted, true)
  else if (verb !== undefined && 'delete'.startsWith(verb)) routing.remove(wanted)
  else throw new UsageError(`Command "${verb}" is unknown, try "ip route help".`, 255)
  return []
}

function routeGet(namespace: NetworkNamespace, words: readonly string[]): string[] {
  const [dst = ''] = words
  if (!isAddress(dst)) throw new UsageError(`Error: any valid address is expected rather than "${dst}".`, 1)
  const decision = namespace.routing.lookup({ dst, ...(after(words, 'from') ? { src: after(words, 'from') as string } : {}) })
  if (!decision) throw new UsageError('RTNETLINK answers: Network is unreachable', 2)
  const { type, via, dev } = decision.route
  if (type === 'unreachable') throw new UsageError('RTNETLINK answers: No route to host', 2)
  if (type === 'blackhole') throw new UsageError('RTNETLINK answers: Invalid argument', 2)
  const src = namespace.routing.sourceFor(decision)
  const local = type === 'local'
  return [
    `${local ? 'local ' : ''}${dst}${via ? ` via ${via}` : ''} dev ${local ? 'lo' : dev}${local ? ' table local' : ''}${src ? ` src ${src}` : ''} uid 0 `,
    `    cache ${local ? '<local> ' : ''}`,
  ]
}

function rule({ namespace }: Process, words: readonly string[]): string[] {
  if (isShow(words[0])) return namespace.routing.rules.map(ruleLine)
  throw new UsageError('ip: the simulated "ip rule" only shows', 1)
}

function neighbour({ namespace }: Process, words: readonly string[]): string[] {
  const [verb, address = ''] = words
  const dev = after(words, 'dev')
  if (isShow(verb)) return neighbourLines(namespace, dev)
  if (verb === 'flush') {
    for (const one of namespace.links()) {
      if (dev !== undefined && one.name !== dev) continue
      for (const known of [...one.neighbours.values()]) if (known.state !== 'PERMANENT') namespace.removeNeighbour(one.name, known.address)
    }
    return []
  }
  if (dev === undefined) throw new UsageError('Device and destination are required arguments.', 255)
  if (verb === 'add' || verb === 'replace') namespace.setNeighbour(dev, address, after(words, 'lladdr') ?? '')
  else if (verb !== undefined && 'delete'.startsWith(verb)) namespace.removeNeighbour(dev, address)
  else throw new UsageError(`Command "${verb}" is unknown, try "ip neigh help".`, 255)
  return []
}
