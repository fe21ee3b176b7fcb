import type { Endpoint } from '../../../network/sockets.ts'
import { argumentError, CorefileError, parsingError } from '../corefile.ts'
import { exchange } from '../exchange.ts'
import type { Plugin, Setup } from '../plugin.ts'
import { canonical, isBelow, type Query, type Reply, servfail } from '../query.ts'

/** How long all upstreams together may take to answer, ms; CoreDNS's defaultTimeout. */
const totalTimeoutMs = 5000

interface Settings {
  readonly from: string
  readonly except: readonly string[]
  readonly upstreams: readonly Endpoint[]
  readonly policy: 'random' | 'round_robin' | 'sequential'
  readonly maxConcurrent: number | undefined
  /** As the client asked, or always the one. */
  readonly protocol: 'same' | 'tcp' | 'udp'
}

const numbers = new Set([
  'max_fails',
  'health_check',
  'expire',
  'max_idle_conns',
  'failfast_all_unhealthy_upstreams',
  'failover',
  'next',
  'tls_servername',
])

/** Asks other resolvers, as CoreDNS's forward plugin: `forward . /etc/resolv.conf`. */
export const forward: Plugin = (setup) => {
  const settings = read(setup)
  const { context } = setup
  let turn = 0
  let concurrent = 0
  return (next) => (query, reply) => {
    if (!isBelow(query.name, settings.from) || settings.except.some((zone) => isBelow(query.name, zone))) return next(query, reply)
    if (settings.maxConcurrent !== undefined && concurrent >= settings.maxConcurrent) {
      return reply({
        rcode: 'REFUSED',
        authoritative: false,
        answers: [],
        authorities: [],
        error: `concurrent queries exceeded maximum ${settings.maxConcurrent}`,
      })
    }
    concurrent++
    tryAll(query, order(), context.clock.now() + totalTimeoutMs, (answer) => {
      concurrent--
      reply(answer)
    })
  }

  function order(): Endpoint[] {
    const count = settings.upstreams.length
    const first = settings.policy === 'sequential' ? 0 : settings.policy === 'round_robin' ? turn++ % count : context.random.below(count)
    return settings.upstreams.map((_, index) => settings.upstreams[(first + index) % count] as Endpoint)
  }

  function tryAll(query: Query, upstreams: readonly Endpoint[], deadline: number, reply: Reply): void {
    let attempt = 0
    const again = () => {
      const upstream = upstreams[attempt % upstreams.length] as Endpoint
      attempt++
      ask(query, upstream, (result) => {
        if (typeof result !== 'string') return reply(result)
        // Another upstream, or this one again, while there is time.
        if (context.clock.now() >= deadline || attempt >= upstreams.length + 1) return reply(servfail(result))
        again()
      })
    }
    again()
  }

  /** One exchange; a string is why it failed, in Go's words. */
  function ask(query: Query, upstream: Endpoint, done: (result: Parameters<Reply>[0] | string) => void): void {
    const { protocol } = settings
    if (protocol === 'tcp' || (protocol === 'same' && query.protocol === 'tcp')) return exchange(setup, 'tcp', query, upstream, done)
    exchange(setup, 'udp', query, upstream, (result) => {
      // prefer_udp asks again where the answer did not fit.
      const again = protocol === 'udp' && typeof result !== 'string' && result.truncated
      if (again) exchange(setup, 'tcp', query, upstream, done)
      else done(result)
    })
  }
}

function read({ directive, file, context }: Setup): Settings {
  const [from, ...to] = directive.args
  if (!from || to.length === 0) throw argumentError(file, directive)
  const upstreams = to.flatMap((target) =>
    upstreamsOf(
      target,
      (path) => (context.files.exists(path) ? context.files.readText(path) : undefined),
      (message) => parsingError(file, directive.line, message),
    ),
  )
  if (upstreams.length > 15) throw parsingError(file, directive.line, `more than 15 TOs configured: ${upstreams.length}`)
  let settings: Settings = { from: canonical(from), except: [], upstreams, policy: 'random', maxConcurrent: undefined, protocol: 'same' }
  for (const option of directive.block) {
    const [value] = option.args
    if (option.name === 'except') settings = { ...settings, except: [...settings.except, ...option.args.map(canonical)] }
    else if (option.name === 'policy') {
      if (value !== 'random' && value !== 'round_robin' && value !== 'sequential')
        throw parsingError(file, option.line, `unknown policy '${value}'`)
      settings = { ...settings, policy: value }
    } else if (option.name === 'max_concurrent') {
      if (!value) throw argumentError(file, option)
      if (!/^-?\d+$/.test(value)) throw new CorefileError(`strconv.Atoi: parsing "${value}": invalid syntax`)
      settings = { ...settings, maxConcurrent: Number(value) || undefined }
    } else if (option.name === 'force_tcp' || option.name === 'prefer_udp') {
      // Given both, upstream lets force_tcp win.
      if (settings.protocol !== 'tcp') settings = { ...settings, protocol: option.name === 'force_tcp' ? 'tcp' : 'udp' }
    } else if (option.name === 'tls') {
      throw new CorefileError(`the simulated cluster does not model the option '${option.name}'`)
    } else if (!numbers.has(option.name)) throw parsingError(file, option.line, `unknown property '${option.name}'`)
  }
  return settings
}

/** An upstream is an address with or without port, or a file with `nameserver` lines. */
function upstreamsOf(target: string, read: (path: string) => string | undefined, problem: (message: string) => CorefileError): Endpoint[] {
  const address = /^(?:dns:\/\/)?(\d+\.\d+\.\d+\.\d+)(?::(\d+))?$/.exec(target)
  if (address) return [{ address: address[1] as string, port: Number(address[2] ?? 53) }]
  const text = target.startsWith('/') ? read(target) : undefined
  if (text === undefined) throw problem(`not an IP address or file: "${target}"`)
  const servers = text.split('\n').flatMap((line) => {
    const match = /^\s*nameserver\s+(\d+\.\d+\.\d+\.\d+)/.exec(line)
    return match ? [{ address: match[1] as string, port: 53 }] : []
  })
  if (servers.length === 0) throw problem(`no nameservers found in "${target}"`)
  return servers
}
