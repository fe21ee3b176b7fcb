import type { Header, Hop } from '../network/trace.ts'
import { nameText, originText, placeText } from './deciding.ts'
import type { Attempt, Leg, Trace } from './document.ts'
import { carried } from './flows.ts'

export interface TextOptions {
  /** Every packet and every hop. */
  readonly verbose: boolean
  readonly colour: boolean
  /** Columns; lines are broken there. */
  readonly width: number
}

type Paint = (text: string) => string

interface Style {
  readonly width: number
  readonly verbose: boolean
  readonly good: Paint
  readonly bad: Paint
  readonly faint: Paint
  readonly strong: Paint
}

/** A trace for a terminal. */
export function traceText(trace: Trace, { verbose, colour, width }: TextOptions): string {
  const sgr =
    (code: string): Paint =>
    (text) =>
      colour ? `\x1b[${code}m${text}\x1b[0m` : text
  const style: Style = { width, verbose, good: sgr('32'), bad: sgr('31'), faint: sgr('2'), strong: sgr('1') }
  const { from, to, client, deciding } = trace
  const lines = [
    style.strong(`${from.title} → ${to.title}`),
    ...wrapped(`${places(trace)}`, 0, width).map(style.faint),
    ...trace.attempts.flatMap((attempt, index) => [
      '',
      ...attemptLines(trace, attempt, index === deciding?.attempt ? deciding.leg : undefined, style),
    ]),
    '',
    style.strong('The client'),
    ...wrapped(`$ ${client.command}`, 2, width),
    ...(client.says === '' ? [] : client.says.split('\n').slice(0, verbose ? undefined : 4)).flatMap((line) =>
      line.length > 3 * width && !verbose ? [`  ${line.slice(0, width - 3)}…`] : wrapped(line, 2, width),
    ),
    style.faint(`  exit ${client.exitCode} after ${seconds(client.elapsed)}${client.errno ? `, ${client.errno}` : ''}`),
    '',
    ...wrapped(trace.summary, 0, width).map(client.outcome === 'answered' ? style.good : style.bad),
    ...trace.limits.flatMap((limit) => wrapped(`Note: ${limit}`, 0, width)),
  ]
  return `${lines.join('\n')}\n`
}

function places({ from, to }: Trace): string {
  const where = ({ address, node }: Trace['from']) => [address, node].filter((part) => part !== undefined).join(' on ')
  return [where(from), where(to)].filter((part) => part !== '').join(' → ')
}

function attemptLines(trace: Trace, attempt: Attempt, decides: number | undefined, style: Style): string[] {
  const { protocol, remote, local, dns, legs, purpose } = attempt
  const ends = `${local.address}${local.port && protocol !== 'icmp' ? `:${local.port}` : ''} → ${remote.address}${remote.port ? `:${remote.port}` : ''}`
  const asked = dns ? `${dns.type} ${dns.name} ` : ''
  const answer = dns ? (dns.rcode ? `${dns.rcode} ${dns.answers.join(' ')}`.trim() : 'no answer') : attempt.outcome
  const good = attempt.outcome === 'answered' && (dns === undefined || dns.rcode === 'NOERROR')
  const head = `${purpose === 'dns' ? 'DNS' : protocol.toUpperCase()}  ${asked}${ends}: `
  const title = wrapped(`${head}${answer}`, 0, style.width).map((line) => style.strong(line))
  if (title.length === 1) title[0] = `${style.strong(head)}${(good ? style.good : style.bad)(answer)}`
  const shown = style.verbose ? legs : legs.filter((leg, index) => index === decides || isShown(leg, index, attempt, decides !== undefined))
  const hidden = legs.length - shown.length
  return [
    ...title,
    ...shown.flatMap((leg) => legLines(trace, leg, style)),
    ...(hidden > 0 ? [style.faint(`  and ${hidden} more packet${hidden === 1 ? '' : 's'} (-v shows them)`)] : []),
  ]
}

/** The first packet there and the first back; of questions for names only what decided. */
function isShown(leg: Leg, index: number, { legs, purpose }: Attempt, decides: boolean): boolean {
  if (purpose === 'dns' && !decides) return false
  return index === legs.findIndex(({ direction }) => direction === leg.direction)
}

function legLines(trace: Trace, leg: Leg, style: Style): string[] {
  const { direction, what, end, hops, repeats } = leg
  const verdict = (end.verdict === 'DELIVERED' ? style.good : style.bad)(end.verdict === 'DELIVERED' ? 'delivered' : end.verdict)
  const times = repeats ? style.faint(` (and ${repeats} more like it)`) : ''
  const lines = [` ${direction === 'request' ? '→' : '←'} ${style.strong(what)} ${verdict}${times}`]
  let place = ''
  for (const [index, hop] of hops.entries()) {
    const steps = style.verbose ? verboseLines(hop, style) : stepLines(hops, index, index === end.hop, style)
    if (steps.length === 0) continue
    const here = placeText(hop, trace.pods)
    if (here !== place) lines.push(style.faint(`   ${here}`))
    place = here
    lines.push(...steps)
  }
  return lines
}

/** What decides where a packet goes and whether: routes, translations, tunnels, verdicts. */
function stepLines(hops: readonly Hop[], index: number, isEnd: boolean, style: Style): string[] {
  const hop = hops[index]!
  const line = (text: string, paint: Paint = (same) => same) => wrapped(text, 5, style.width).map(paint)
  if (isEnd) {
    const paint = hop.verdict === 'DELIVERED' ? style.good : style.bad
    const by = hop.origin ? ` by ${originText(hop.origin)}` : ''
    const where = hop.rule ? `${hop.stage} ${hop.table}/${hop.chain}: ` : ''
    return [...line(`${where}${hop.detail}${by}`, paint), ...(hop.rule ? line(hop.rule, style.faint) : [])]
  }
  if (hop.before && hop.table === undefined) return line(`${natText(hop.before, hop.packet)}${natCause(hops, index)}`)
  if (hop.route !== undefined) return line(`route ${hop.route}`)
  if (hop.stage === 'encapsulate' || hop.stage === 'decapsulate') return line(hop.detail)
  if (hop.stage === 'neighbour' && hop.neighbour?.mac === undefined) return line(hop.detail)
  if (hop.verdict === 'ACCEPT' && hop.origin && hop.origin.kind !== 'EndpointSlice')
    return line(`${hop.stage}: ${hop.detail} (${originText(hop.origin)})`)
  return []
}

function verboseLines(hop: Hop, style: Style): string[] {
  const ends = hop.in && hop.out ? `${hop.in} → ${hop.out}` : (hop.interface ?? '')
  const paint = hop.verdict === undefined || hop.verdict === 'ACCEPT' ? undefined : hop.verdict === 'DELIVERED' ? style.good : style.bad
  const where = hop.chain ? ` ${hop.table}/${hop.chain}` : ''
  const by = hop.origin ? ` [${originText(hop.origin)}${hop.origin.target ? ` → ${nameText(hop.origin.target)}` : ''}]` : ''
  const state = hop.stage === 'conntrack' && hop.conntrack?.entry ? ` ${flowText(hop.conntrack.entry)}` : ''
  const text = `${hop.stage}${where}${ends ? ` ${ends}` : ''}: ${hop.before && hop.table === undefined ? natText(hop.before, hop.packet) : hop.detail}${state}${by}`
  const lines = wrapped(text, 5, style.width)
  return [
    ...(paint ? lines.map(paint) : lines),
    ...(hop.rule ? wrapped(hop.rule, 7, style.width).map(style.faint) : []),
    ...(hop.stage === 'encapsulate' || hop.stage === 'send' ? wrapped(headerText(hop.packet), 7, style.width).map(style.faint) : []),
  ]
}

function natText(before: Header, after: Header): string {
  const [was, is] = [carried(before), carried(after)]
  const end = (address: string, port: number | undefined) => (port === undefined ? address : `${address}:${port}`)
  if (was.icmp?.about || was.dst !== is.dst || was.dport !== is.dport)
    return `NAT: destination ${end(was.dst, was.dport)} → ${end(is.dst, is.dport)}`
  return `NAT: source ${end(was.src, was.sport)} → ${end(is.src, is.sport)}`
}

/** The rules behind a translation stand just before it, in the same place. */
function natCause(hops: readonly Hop[], index: number): string {
  const { machine, namespace, stage } = hops[index]!
  const causes: Hop[] = []
  for (let at = index - 1; at >= 0; at--) {
    const hop = hops[at]!
    if (hop.machine !== machine || hop.namespace !== namespace || hop.stage !== stage) break
    if (hop.table === 'nat' && hop.origin) causes.unshift(hop)
  }
  const service = causes.find(({ origin }) => origin?.kind === 'Service')?.origin
  const target = causes.findLast(({ origin }) => origin?.target)?.origin?.target
  const names = [service && nameText(service), target && nameText(target)].filter((name) => name !== undefined)
  return names.length > 0 ? ` (${names.join(' → ')})` : ''
}

function flowText({ original, reply, tcp, confirmed }: NonNullable<NonNullable<Hop['conntrack']>['entry']>): string {
  const side = ({ src, sport, dst, dport }: typeof original) => `src=${src} dst=${dst} sport=${sport} dport=${dport}`
  return `${tcp ? `${tcp} ` : ''}${side(original)} / ${side(reply)}${confirmed ? '' : ' [UNCONFIRMED]'}`
}

function headerText(header: Header): string {
  const { protocol, src, dst, sport, dport, ttl, bytes, df, flags, vni, inner } = header
  const ports = sport === undefined ? `${src} > ${dst}` : `${src}:${sport} > ${dst}:${dport}`
  const more = [flags ? `[${flags}]` : '', `ttl ${ttl}`, `${bytes} bytes`, df ? 'DF' : '', vni === undefined ? '' : `vni ${vni}`]
  const text = [protocol, ports, ...more].filter((word) => word !== '').join(' ')
  return inner ? `${text} around ${headerText(inner)}` : text
}

/** Broken at spaces; a word that is longer than a line is cut. Continuation lines stand two columns further in. */
function wrapped(text: string, indent: number, width: number): string[] {
  const lines: string[] = []
  let line = ' '.repeat(indent)
  let empty = true
  for (let word of text.split(' ')) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line)
      line = ' '.repeat(indent + 2)
      empty = true
    }
    while (line.length + word.length > width) {
      const room = width - line.length
      lines.push(line + word.slice(0, room))
      word = word.slice(room)
      line = ' '.repeat(indent + 2)
    }
    line += empty ? word : ` ${word}`
    empty = false
  }
  return [...lines, line]
}

function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 10) / 100} s`
}
