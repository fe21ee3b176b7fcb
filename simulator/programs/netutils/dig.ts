import { isAddress } from '../../network/address.ts'
import { type DecodedMessage, type Question, type ResourceRecord, reverseName } from '../../network/dns-message.ts'
import type { Process } from '../process.ts'
import { resolverConfiguration } from '../resolver/configuration.ts'
import { resolve } from '../resolver/resolver.ts'
import { type Answered, askServers, bindCandidates } from './bind-lookup.ts'
import { command } from './command.ts'
import { recordData, recordType } from './dns-text.ts'
import { UsageError } from './options.ts'

const version = '9.18.41'
const recordTypes = ['A', 'AAAA', 'ANY', 'CNAME', 'HINFO', 'MX', 'NS', 'PTR', 'SOA', 'SRV', 'TXT', 'AXFR']

interface Settings {
  server: string | undefined
  port: number
  queries: { name: string; type: string }[]
  time: number
  tries: number
  flags: Map<string, boolean>
  udpSize: number
}

/** dig of BIND 9.18, with its usual options. `+trace`, `-f` and `-k` are refused. */
export const dig = command('bind/dig', async (process) => {
  const words = process.argv.slice(1)
  const settings = readArguments(words)
  const on = (flag: string, otherwise: boolean) => settings.flags.get(flag) ?? otherwise
  const configuration = resolverConfiguration(process.files)
  const servers = settings.server === undefined ? configuration.nameservers : await serverAddresses(process, settings.server)
  const short = on('short', false)
  let status = 0
  for (const [index, asked] of settings.queries.entries()) {
    const names = on('search', false) ? bindCandidates(asked.name, configuration) : [asked.name]
    let outcome: Answered | undefined
    for (const name of names) {
      outcome = await askServers(
        process,
        { name, type: asked.type },
        {
          servers,
          port: settings.port,
          timeoutMs: settings.time * 1000,
          tries: settings.tries,
          tcp: on('tcp', false) || on('vc', false) || asked.type === 'AXFR',
          recursion: on('recurse', true) && on('rec', true),
          ignoreTruncation: on('ignore', false),
          acceptFailure: !on('fail', true),
          ...(on('edns', true) ? { edns: { udpSize: settings.udpSize, dnssecOk: on('dnssec', false) } } : {}),
        },
      )
      if (outcome?.message.rcode !== 'NXDOMAIN') break
    }
    const banner =
      on('cmd', on('all', true)) && !short && index === 0
        ? `\n; <<>> DiG ${version} <<>> ${words.join(' ')}\n;; global options: +cmd\n`
        : ''
    if (!outcome) {
      await process.stdout.write(`${banner};; no servers could be reached\n${short ? '' : '\n'}`)
      status = 9
      continue
    }
    await process.stdout.write(short ? shortForm(outcome.message) : `${banner}${longForm(process, outcome, settings, on)}`)
  }
  return status
})

function shortForm(message: DecodedMessage): string {
  return message.answers.map((record) => `${recordData(record)}\n`).join('')
}

function longForm(process: Process, outcome: Answered, settings: Settings, on: (flag: string, otherwise: boolean) => boolean): string {
  const { message } = outcome
  const all = on('all', true)
  const shows = (part: string) => on(part, all)
  const parts: string[] = []
  if (shows('comments')) parts.push(header(message))
  if (shows('comments') && message.edns) {
    parts[0] += `\n;; OPT PSEUDOSECTION:\n; EDNS: version: 0, flags:${message.edns.dnssecOk ? ' do' : ''}; udp: ${message.edns.udpSize}\n`
  }
  const titled = (title: string, lines: string) => (shows('comments') ? `;; ${title} SECTION:\n${lines}` : lines)
  if (shows('question') && message.questions.length > 0) {
    const section = titled('QUESTION', message.questions.map(questionLine).join(''))
    if (shows('comments') && message.edns && parts.length > 0) parts[0] += section
    else parts.push(section)
  }
  const section = (flag: string, title: string, records: readonly ResourceRecord[]) => {
    if (shows(flag) && records.length > 0) parts.push(titled(title, records.map(recordLine).join('')))
  }
  section('answer', 'ANSWER', message.answers)
  section('authority', 'AUTHORITY', message.authorities)
  section('additional', 'ADDITIONAL', message.additionals)
  if (shows('stats')) parts.push(statistics(process, outcome, settings))
  const lead = shows('comments') ? ';; Got answer:\n' : ''
  const tail = shows('stats') || shows('comments') ? '\n' : ''
  return `${lead}${parts.join('\n')}${tail}`
}

function header(message: DecodedMessage): string {
  const flags = [
    message.response ? 'qr' : '',
    message.authoritative ? 'aa' : '',
    message.truncated ? 'tc' : '',
    message.recursionDesired ? 'rd' : '',
    message.recursionAvailable ? 'ra' : '',
    message.authenticData ? 'ad' : '',
    message.checkingDisabled ? 'cd' : '',
  ].filter((flag) => flag !== '')
  const { questions, answers, authorities, additionals } = message
  const counts = `QUERY: ${questions.length}, ANSWER: ${answers.length}, AUTHORITY: ${authorities.length}, ADDITIONAL: ${additionals.length + (message.edns ? 1 : 0)}`
  const status = typeof message.rcode === 'string' ? message.rcode : `RESERVED${message.rcode}`
  const warning = message.recursionDesired && !message.recursionAvailable ? ';; WARNING: recursion requested but not available\n' : ''
  return `;; ->>HEADER<<- opcode: QUERY, status: ${status}, id: ${message.id}\n;; flags: ${flags.join(' ')}; ${counts}\n${warning}`
}

function statistics(process: Process, { elapsed, server, protocol, size }: Answered, { port, server: named }: Settings): string {
  const when = new Date(process.clock.now())
  const date = `${when.toUTCString().slice(0, 3)} ${when.toUTCString().slice(8, 11)} ${when.toISOString().slice(8, 10)} ${when.toISOString().slice(11, 19)} UTC ${when.getUTCFullYear()}`
  return [
    `;; Query time: ${Math.round(elapsed)} msec`,
    `;; SERVER: ${server}#${port}(${named ?? server}) (${protocol.toUpperCase()})`,
    `;; WHEN: ${date}`,
    `;; MSG SIZE  rcvd: ${size}`,
    '',
  ].join('\n')
}

/** Columns as dig sets them: time to live at 24, class at 32, type at 40, data at 48. */
function recordLine(record: ResourceRecord): string {
  let line = column(record.name, 24)
  line = column(`${line}${record.ttl}`, 32)
  line = column(`${line}${record.class ?? 'IN'}`, 40)
  return `${column(`${line}${recordType(record)}`, 48)}${recordData(record)}\n`
}

function questionLine({ name, type, class: kind }: Question): string {
  return `${column(`;${name}`, 32)}${kind ?? 'IN'}\t${type}\n`
}

/** BIND's indent(): tabs of eight as far as they fit, then blanks, at least one. */
function column(text: string, wanted: number): string {
  const from = [...text].reduce((at, character) => (character === '\t' ? (Math.floor(at / 8) + 1) * 8 : at + 1), 0)
  const to = Math.max(wanted, from + 1)
  const tabs = Math.max(0, Math.floor(to / 8) - Math.floor(from / 8))
  const reached = tabs > 0 ? Math.floor(to / 8) * 8 : from
  return text + '\t'.repeat(tabs) + ' '.repeat(to - reached)
}

async function serverAddresses(process: Process, server: string): Promise<readonly string[]> {
  if (isAddress(server)) return [server]
  const found = await resolve(process, server, { signal: process.signal })
  if ('addresses' in found) return found.addresses.slice(0, 1)
  throw new UsageError(`dig: couldn't get address for '${server}': not found`, 10)
}

function readArguments(words: readonly string[]): Settings {
  const settings: Settings = { server: undefined, port: 53, queries: [], time: 5, tries: 3, flags: new Map(), udpSize: 1232 }
  let name: string | undefined
  let type: string | undefined
  const finish = () => {
    if (name !== undefined || type !== undefined)
      settings.queries.push({ name: name ?? '.', type: type ?? (name === undefined ? 'NS' : 'A') })
    name = undefined
    type = undefined
  }
  const argument = (index: number) => {
    const value = words[index]
    if (value === undefined) throw new UsageError(`Invalid option: ${words[index - 1]}`, 1)
    return value
  }
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string
    if (word.startsWith('@')) settings.server = word.slice(1)
    else if (word.startsWith('+')) plusOption(settings, word.slice(1))
    else if (word === '-x') {
      finish()
      const address = argument(++index)
      if (!isAddress(address)) throw new UsageError(`Invalid IP address ${address}`, 1)
      settings.queries.push({ name: reverseName(address), type: 'PTR' })
    } else if (word === '-t') type = typeOf(argument(++index))
    else if (word === '-q') name = argument(++index)
    else if (word === '-p') settings.port = Number(argument(++index))
    else if (word === '-4' || word === '-u') continue
    else if (word === '-v') throw new UsageError(`DiG ${version}`, 0)
    else if (word.startsWith('-'))
      throw new UsageError(`Invalid option: ${word}\nUsage:  dig [@global-server] [domain] [q-type] [q-class] {q-opt}`, 1)
    else if (word.toUpperCase() === 'IN') continue
    else if (recordTypes.includes(word.toUpperCase()) && (name !== undefined || words[index + 1] !== undefined)) type = word.toUpperCase()
    else {
      if (name !== undefined) finish()
      name = word
    }
  }
  finish()
  if (settings.queries.length === 0) settings.queries.push({ name: '.', type: 'NS' })
  return settings
}

function typeOf(text: string): string {
  const type = text.toUpperCase()
  if (recordTypes.includes(type) || /^TYPE\d+$/.test(type)) return type
  throw new UsageError(`;; Warning, ignoring invalid type ${text}`, 1)
}

const known = [
  'short',
  'search',
  'tcp',
  'vc',
  'recurse',
  'rec',
  'edns',
  'dnssec',
  'all',
  'comments',
  'question',
  'answer',
  'authority',
  'additional',
  'stats',
  'cmd',
  'ignore',
  'fail',
  'adflag',
  'cookie',
  'defname',
  'qr',
  'multiline',
  'ttlid',
  'identify',
  'nssearch',
]

function plusOption(settings: Settings, text: string): void {
  const [option = '', value] = text.split('=')
  if (value !== undefined && (option === 'time' || option === 'timeout')) settings.time = Math.max(1, Number(value) || 1)
  else if (value !== undefined && option === 'tries') settings.tries = Math.max(1, Number(value) || 1)
  else if (value !== undefined && option === 'retry') settings.tries = Math.max(0, Number(value) || 0) + 1
  else if (value !== undefined && option === 'bufsize') settings.udpSize = Number(value)
  else if (option === 'trace') throw new UsageError('dig: the simulated dig does not model +trace: there are no root servers to ask', 1)
  else if (known.includes(option)) settings.flags.set(option, true)
  else if (option.startsWith('no') && known.includes(option.slice(2))) settings.flags.set(option.slice(2), false)
  else if (value !== undefined && ['edns', 'ndots', 'domain', 'subnet'].includes(option)) return
  else throw new UsageError(`Invalid option: +${text}\nUsage:  dig [@global-server] [domain] [q-type] [q-class] {q-opt}`, 1)
}
