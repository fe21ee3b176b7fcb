import { encodeDns } from '../../../network/dns-message.ts'
import { argumentError, CorefileError, parsingError } from '../corefile.ts'
import { respond } from '../listener.ts'
import type { Plugin, Setup } from '../plugin.ts'
import { type Answer, canonical, isBelow, type Query } from '../query.ts'

const common = '{remote}:{port} - {>id} "{type} {class} {name} {proto} {size} {>do} {>bufsize}" {rcode} {>rflags} {rsize} {duration}'
const combined = `${common} "{>opcode}"`

type Class = 'all' | 'success' | 'denial' | 'error'

interface Rule {
  readonly zone: string
  readonly format: string
  readonly classes: ReadonlySet<Class>
}

/** A line for each question with its answer: `log [ZONE…] [FORMAT] { class … }`. The first rule whose zone fits decides (plugin/log). */
export const log: Plugin = (setup) => {
  const { context, directive, siblings } = setup
  if (siblings[0] !== directive) return undefined
  const rules = siblings.flatMap((one) => read({ ...setup, directive: one }))
  return (next) => (query, reply) => {
    const rule = rules.find(({ zone }) => isBelow(query.name, zone))
    if (!rule) return next(query, reply)
    const began = context.clock.now()
    next(query, (answer) => {
      if (rule.classes.has('all') || rule.classes.has(classOf(answer))) {
        const seconds = Math.max(0.00005, (context.clock.now() - began) / 1000)
        context.log(`[INFO] ${filled(rule.format, query, answer, seconds, context.sockets.addresses()[0] ?? '')}`)
      }
      reply(answer)
    })
  }
}

/** pkg/response: what kind of answer it is. */
function classOf(answer: Answer): Class {
  if (answer.rcode === 'NXDOMAIN') return answer.answers.length > 0 ? 'error' : 'denial'
  if (answer.rcode !== 'NOERROR') return 'error'
  return answer.answers.length === 0 && answer.authorities.some(({ type }) => type === 'SOA') ? 'denial' : 'success'
}

/** pkg/replacer. Placeholders that do not exist become `-`. */
function filled(format: string, query: Query, answer: Answer, seconds: number, local: string): string {
  const { message } = query
  const response = respond(query, answer)
  const flags = [
    'qr',
    ...(response.authoritative ? ['aa'] : []),
    ...(response.truncated ? ['tc'] : []),
    ...(message.recursionDesired ? ['rd'] : []),
    ...(response.recursionAvailable ? ['ra'] : []),
  ]
  const values: Record<string, () => string | number> = {
    '{type}': () => query.type,
    '{name}': () => query.name,
    '{class}': () => message.questions[0]?.class ?? 'IN',
    '{proto}': () => query.protocol,
    '{size}': () => encodeDns(message).length,
    '{remote}': () => query.remote.address,
    '{port}': () => query.remote.port,
    '{local}': () => local,
    '{>id}': () => message.id,
    '{>opcode}': () => message.opcode,
    '{>do}': () => String(message.edns?.dnssecOk ?? false),
    '{>bufsize}': () => query.size,
    '{rcode}': () => answer.rcode,
    '{rsize}': () => encodeDns(response).length,
    '{duration}': () => `${seconds.toFixed(9)}s`,
    '{>rflags}': () => flags.join(','),
  }
  return format.replaceAll(/\{[^{}]*\}/g, (placeholder) => String(values[placeholder]?.() ?? '-'))
}

function read({ directive, file }: Setup): Rule[] {
  const { args } = directive
  const last = args.at(-1)
  const hasFormat = args.length > 1 && last?.includes('{')
  const format = hasFormat ? last!.replaceAll('{common}', common).replaceAll('{combined}', combined) : common
  const zones = hasFormat ? args.slice(0, -1) : args
  const classes = new Set<Class>()
  for (const option of directive.block) {
    if (option.name !== 'class') throw parsingError(file, option.line, `unknown property '${option.name}'`)
    if (option.args.length === 0) throw argumentError(file, option)
    for (const word of option.args) {
      if (word !== 'all' && word !== 'success' && word !== 'denial' && word !== 'error') throw new CorefileError(`invalid Class: ${word}`)
      classes.add(word)
    }
  }
  if (classes.size === 0) classes.add('all')
  return (zones.length ? zones.map(canonical) : ['.']).map((zone) => ({ zone, format, classes }))
}
