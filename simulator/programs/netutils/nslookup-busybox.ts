import { isAddress } from '../../network/address.ts'
import { type DecodedMessage, type ResourceRecord, rcodeCode, reverseName } from '../../network/dns-message.ts'
import type { Process } from '../process.ts'
import { resolverConfiguration } from '../resolver/configuration.ts'
import { query, resolve } from '../resolver/resolver.ts'
import { command, strerror } from './command.ts'
import { nslookupRecord, withoutDot } from './dns-text.ts'
import { UsageError } from './options.ts'

const types = ['SOA', 'NS', 'A', 'AAAA', 'CNAME', 'MX', 'TXT', 'PTR', 'SRV', 'ANY']
const rcodes = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED', 'YXDOMAIN', 'YXRRSET', 'NXRRSET', 'NOTAUTH', 'NOTZONE']
/** Of busybox's nslookup: seconds for all tries, tries, and how often a SERVFAIL is asked again at once per question. */
const defaultTimeout = 5
const defaultRetry = 2
const servfailRetries = 2

const usage = `BusyBox v1.36.1 multi-call binary.

Usage: nslookup [-type=QUERY_TYPE] [-debug] HOST [DNS_SERVER]

Query DNS about HOST
`

interface Question {
  readonly name: string
  readonly type: string
}

/** busybox nslookup (networking/nslookup.c of 1.36 with FEATURE_NSLOOKUP_BIG): its own resolver, both questions at once. */
export const nslookupBusybox = command('busybox/nslookup', async (process) => {
  const { host, server, wanted, port, timeoutMs, retry } = readArguments(process.argv.slice(1))
  const { nameservers, search } = resolverConfiguration(process.files)
  const questions = questionsFor(host, wanted, search)
  const servers = server === undefined ? nameservers : [await addressOf(process, server)]
  for (const address of servers) {
    const shown = server ?? address
    const replies = await ask(process, { address, port, timeoutMs, retry }, questions, shown)
    if (replies === 'none') continue
    let failed = replies.failed
    for (const question of replies.unanswered) {
      await process.stdout.write(`*** Can't find ${question.name}: No answer\n`)
      failed = true
    }
    if (replies.unanswered.length > 0) await process.stdout.write('\n')
    return failed ? 1 : 0
  }
  await process.stdout.write(';; connection timed out; no servers could be reached\n\n')
  return 1
})

function readArguments(words: readonly string[]) {
  const wanted: string[] = []
  let port = 53
  let timeoutMs = defaultTimeout * 1000
  let retry = defaultRetry
  let at = 0
  for (; words[at]?.startsWith('-'); at++) {
    const [option = '', value = ''] = (words[at] as string).slice(1).split('=')
    const begins = (name: string) => option !== '' && name.startsWith(option)
    if (begins('type') || begins('querytype')) {
      if (!types.includes(value.toUpperCase())) throw new UsageError(`nslookup: invalid query type "${value}"`)
      wanted.push(value.toUpperCase())
    } else if (begins('port')) port = Number(value)
    else if (begins('retry')) retry = Math.max(1, Number(value) || 1)
    else if (begins('timeout') || option === 't') timeoutMs = Math.max(1, Number(value) || 1) * 1000
    else if (!begins('debug')) throw new UsageError(usage)
  }
  const [host, server, more] = words.slice(at)
  if (host === undefined || more !== undefined) throw new UsageError(usage)
  return { host, server, wanted, port, timeoutMs, retry }
}

/** A name without a dot is asked for in every search domain at once, and not as it stands (busybox 1.34 and later). */
function questionsFor(host: string, wanted: readonly string[], search: readonly string[]): Question[] {
  if (wanted.length === 0 && isAddress(host)) return [{ name: withoutDot(reverseName(host)), type: 'PTR' }]
  const asked = wanted.length > 0 ? wanted : ['A', 'AAAA']
  return asked.flatMap((type) => {
    const searched = type !== 'PTR' && !host.includes('.') && search.length > 0
    return searched ? search.map((domain) => ({ name: `${host}.${domain}`, type })) : [{ name: host, type }]
  })
}

async function addressOf(process: Process, server: string): Promise<string> {
  const found = await resolve(process, server, { signal: process.signal })
  if (!('addresses' in found)) throw new UsageError(`nslookup: bad address '${server}'`)
  return found.addresses[0] as string
}

interface Asking {
  readonly address: string
  readonly port: number
  readonly timeoutMs: number
  readonly retry: number
}

/** Prints answers as they come. `none`: the server said nothing at all. */
async function ask(
  process: Process,
  { address, port, timeoutMs, retry }: Asking,
  questions: readonly Question[],
  shown: string,
): Promise<'none' | { unanswered: Question[]; failed: boolean }> {
  const began = process.clock.now()
  const interval = Math.floor(timeoutMs / retry)
  let open = [...questions]
  let replies = 0
  let failed = false
  while (open.length > 0 && process.clock.now() - began < timeoutMs) {
    const sent = process.clock.now()
    const outcomes = await Promise.all(open.map((question) => askOne(process, question, { address, port, interval })))
    const refused = outcomes.find((outcome) => 'refused' in outcome)
    for (const [index, outcome] of outcomes.entries()) {
      if (!('message' in outcome)) continue
      const question = questions.indexOf(open[index] as Question)
      if (replies++ === 0) await process.stdout.write(`Server:\t\t${shown}\nAddress:\t${address}:${port}\n\n`)
      const { lines, wrong } = describe(questions[question] as Question, outcome.message)
      failed ||= wrong
      await process.stdout.write(`${[...lines, '', ''].join('\n')}`)
    }
    open = open.filter((_, index) => !('message' in (outcomes[index] as object)))
    if (open.length === 0) break
    if (refused && 'refused' in refused) {
      await process.stderr.write(`nslookup: read: ${strerror(process, refused.refused)}\n`)
      const rest = interval - (process.clock.now() - sent)
      if (rest > 0) await process.clock.sleep(rest, process.signal)
    }
  }
  return replies === 0 ? 'none' : { unanswered: open, failed }
}

async function askOne(process: Process, question: Question, at: { address: string; port: number; interval: number }) {
  const { address: server, port, interval: timeoutMs } = at
  const wanted = { ...question, server, port, timeoutMs, ignoreTruncation: true, signal: process.signal }
  let outcome = await query(process, wanted)
  for (let again = 0; again < servfailRetries && 'message' in outcome && outcome.message.rcode === 'SERVFAIL'; again++) {
    outcome = await query(process, wanted)
  }
  return outcome
}

function describe(question: Question, message: DecodedMessage): { lines: string[]; wrong: boolean } {
  const code = rcodeCode(message.rcode)
  if (code !== 0) return { lines: [`** server can't find ${question.name}: ${rcodes[code] ?? code}`], wrong: true }
  const shown: ResourceRecord[] = message.answers.filter(({ type }) => type !== 'OTHER')
  return { lines: [...(message.authoritative ? [] : ['Non-authoritative answer:']), ...shown.flatMap(bare)], wrong: false }
}

/** busybox prints names without the final dot, in the data as well. */
function bare(record: ResourceRecord): string[] {
  return nslookupRecord(record).map((line) => line.replace(/\.$/, ''))
}
