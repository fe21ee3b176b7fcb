import type { ResourceRecord } from '../../../network/dns-message.ts'
import { argumentError, CorefileError, parsingError } from '../corefile.ts'
import type { Plugin } from '../plugin.ts'
import { type Answer, canonical, isBelow, type Query } from '../query.ts'

/** Turns the order of A and AAAA records at random, as CoreDNS's loadbalance plugin (round_robin). */
export const loadbalance: Plugin = ({ context, directive, file }) => {
  const policy = directive.args[0] ?? 'round_robin'
  if (policy === 'weighted') throw new CorefileError("plugin/loadbalance: the simulated cluster does not model the policy 'weighted'")
  if (policy !== 'round_robin')
    throw new CorefileError(`plugin/loadbalance: ${parsingError(file, directive.line, `unknown policy: ${policy}`).message}`)
  return (next) => (query, reply) =>
    next(query, (answer) => {
      const addresses = answer.answers.filter(({ type }) => type === 'A' || type === 'AAAA')
      if (addresses.length < 2) return reply(answer)
      const others = answer.answers.filter((record) => !addresses.includes(record))
      const shuffled = [...addresses]
      for (let index = shuffled.length - 1; index > 0; index--) {
        const other = context.random.below(index + 1)
        ;[shuffled[index], shuffled[other]] = [shuffled[other] as ResourceRecord, shuffled[index] as ResourceRecord]
      }
      // Aliases stay in front of what they lead to.
      reply({
        ...answer,
        answers: [...others.filter(({ type }) => type === 'CNAME'), ...shuffled, ...others.filter(({ type }) => type !== 'CNAME')],
      })
    })
}

/** Answers from lines in the manner of /etc/hosts, inline or from a file. */
export const hosts: Plugin = ({ context, directive, file }) => {
  const path = directive.args[0] ?? '/etc/hosts'
  const byName = new Map<string, string[]>()
  const byAddress = new Map<string, string[]>()
  let ttl = 3600
  let fallthrough: string[] | undefined
  const add = (address: string, names: readonly string[]) => {
    for (const name of names.map(canonical)) {
      byName.set(name, [...(byName.get(name) ?? []), address])
      byAddress.set(address, [...(byAddress.get(address) ?? []), name])
    }
  }
  for (const option of directive.block) {
    if (option.name === 'fallthrough') fallthrough = option.args.length ? option.args.map(canonical) : ['.']
    else if (option.name === 'ttl') ttl = Number(option.args[0])
    else if (option.name === 'no_reverse') byAddress.clear()
    else if (option.name === 'reload') continue
    else if (/^\d+\.\d+\.\d+\.\d+$/.test(option.name)) add(option.name, option.args)
    else throw new CorefileError(`plugin/hosts: ${parsingError(file, option.line, `unknown property '${option.name}'`).message}`)
  }
  if (directive.args.length > 0 || directive.block.every(({ name }) => !/^\d/.test(name))) {
    if (context.files.exists(path)) {
      for (const line of context.files.readText(path).split('\n')) {
        const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
        if (address && names.length) add(address, names)
      }
    } else context.log(`[WARNING] plugin/hosts: File does not exist: ${path}`)
  }
  return (next) => (query, reply) => {
    if (query.type === 'PTR') {
      const address = query.name.replace('.in-addr.arpa.', '').split('.').reverse().join('.')
      const names = byAddress.get(address)
      if (names) return reply(answerOf(names.map((target) => ({ name: query.name, type: 'PTR', ttl, data: target }))))
      return next(query, reply)
    }
    const addresses = byName.get(query.name)
    if (!addresses) {
      if (fallthrough && !fallthrough.some((zone) => isBelow(query.name, zone))) return reply({ ...answerOf([]), rcode: 'NXDOMAIN' })
      return next(query, reply)
    }
    if (query.type !== 'A') return reply(answerOf([]))
    reply(answerOf(addresses.map((address) => ({ name: query.name, type: 'A', ttl, data: address }))))
  }
}

function answerOf(answers: ResourceRecord[]): Answer {
  return { rcode: 'NOERROR', authoritative: true, answers, authorities: [] }
}

/** `rewrite name [exact|suffix|prefix|substring] FROM TO`, with the question restored in the answer. */
export const rewrite: Plugin = ({ directive, file }) => {
  const args = directive.args.filter((word) => word !== 'stop' && word !== 'continue')
  if (args[0] !== 'name')
    throw new CorefileError(`plugin/rewrite: the simulated cluster models only 'rewrite name', not 'rewrite ${args[0] ?? ''}'`)
  const kinds = ['exact', 'prefix', 'suffix', 'substring'] as const
  const kind = kinds.find((candidate) => candidate === args[1])
  if (!kind && args[1] === 'regex') throw new CorefileError("plugin/rewrite: the simulated cluster does not model 'rewrite name regex'")
  const [from, to] = kind ? args.slice(2) : args.slice(1)
  if (!from || !to) throw new CorefileError(`plugin/rewrite: ${argumentError(file, directive).message}`)
  const change = (name: string): string | undefined => {
    switch (kind ?? 'exact') {
      case 'exact':
        return name === canonical(from) ? canonical(to) : undefined
      case 'prefix':
        return name.startsWith(from.toLowerCase()) ? to.toLowerCase() + name.slice(from.length) : undefined
      case 'suffix':
        return name.endsWith(canonical(from)) ? name.slice(0, -canonical(from).length) + canonical(to) : undefined
      default:
        return name.includes(from.toLowerCase()) ? name.replace(from.toLowerCase(), to.toLowerCase()) : undefined
    }
  }
  return (next) => (query, reply) => {
    const name = change(query.name)
    if (name === undefined || name === query.name) return next(query, reply)
    const changed: Query = { ...query, name, message: { ...query.message, questions: [{ name, type: query.type, class: 'IN' }] } }
    next(changed, (answer) =>
      reply({ ...answer, answers: answer.answers.map((record) => (record.name === name ? { ...record, name: query.name } : record)) }),
    )
  }
}
