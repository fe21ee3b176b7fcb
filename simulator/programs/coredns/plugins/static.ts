import type { ResourceRecord } from '../../../network/dns-message.ts'
import { CorefileError, parsingError } from '../corefile.ts'
import type { Plugin } from '../plugin.ts'
import { type Answer, canonical, isBelow } from '../query.ts'

/** Turns the order of A and AAAA records at random, as CoreDNS's loadbalance plugin (round_robin). */
export const loadbalance: Plugin = ({ context, directive, file }) => {
  const policy = directive.args[0] ?? 'round_robin'
  if (policy === 'weighted') throw new CorefileError("the simulated cluster does not model the policy 'weighted'")
  if (policy !== 'round_robin') throw parsingError(file, directive.line, `unknown policy: ${policy}`)
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
    else throw parsingError(file, option.line, `unknown property '${option.name}'`)
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
