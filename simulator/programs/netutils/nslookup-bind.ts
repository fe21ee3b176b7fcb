import { isAddress } from '../../network/address.ts'
import { type DecodedMessage, rcodeCode, reverseName } from '../../network/dns-message.ts'
import type { Process } from '../process.ts'
import { resolverConfiguration } from '../resolver/configuration.ts'
import { resolve } from '../resolver/resolver.ts'
import { askServers, bindCandidates } from './bind-lookup.ts'
import { command } from './command.ts'
import { nslookupRecord, withoutDot } from './dns-text.ts'
import { UsageError } from './options.ts'

/** nslookup of BIND 9.18 (bin/dig/nslookup.c), without its interactive mode. */
export const nslookupBind = command('bind/nslookup', async (process) => {
  const settings = readArguments(process.argv.slice(1))
  const { host, server } = settings
  if (host === undefined) throw new UsageError('nslookup: the simulated nslookup has no interactive mode: give it a name to look up')
  const configuration = resolverConfiguration(process.files)
  const servers = server === undefined ? configuration.nameservers : [await serverAddress(process, server)]
  const asking = { servers, port: settings.port, timeoutMs: settings.timeoutMs, tries: settings.tries, tcp: settings.tcp }
  const address = isAddress(host)
  const type = settings.type ?? (address ? 'PTR' : 'A')
  const names = address && type === 'PTR' ? [reverseName(host)] : settings.search ? bindCandidates(host, configuration) : [`${host}.`]
  let message: DecodedMessage | undefined
  let found = ''
  for (const name of names) {
    const outcome = await askServers(process, { name, type }, asking)
    if (!outcome) {
      await process.stdout.write(';; no servers could be reached\n\n')
      return 1
    }
    if (!message) await process.stdout.write(serverLines(server ?? outcome.server, outcome.server, settings.port))
    message = outcome.message
    found = name
    if (message.rcode !== 'NXDOMAIN' && (message.rcode !== 'NOERROR' || message.answers.length > 0)) break
  }
  if (!message) return 1
  if (message.rcode !== 'NOERROR') {
    const shown = message.rcode === 'NXDOMAIN' ? withoutDot(address ? reverseName(host) : host) : withoutDot(found)
    await process.stdout.write(`** server can't find ${shown}: ${rcodeName(message)}\n\n`)
    return 1
  }
  const lines = answerLines(message, host)
  // With no type given the address question is followed by one for IPv6 under the same name.
  if (settings.type === undefined && !address) {
    const outcome = await askServers(process, { name: found, type: 'AAAA' }, asking)
    if (outcome) lines.push(...outcome.message.answers.filter((record) => record.type === 'AAAA').flatMap(nslookupRecord))
  }
  if (!message.authoritative && settings.type !== undefined && type !== 'A') lines.push('', 'Authoritative answers can be found from:')
  await process.stdout.write(`${lines.join('\n')}\n\n`)
  return 0
})

function serverLines(name: string, address: string, port: number): string {
  return `Server:\t\t${name}\nAddress:\t${address}#${port}\n\n`
}

function answerLines(message: DecodedMessage, host: string): string[] {
  const lines = message.authoritative ? [] : ['Non-authoritative answer:']
  if (message.answers.length === 0) return [...lines, `*** Can't find ${host}: No answer`]
  return [...lines, ...message.answers.flatMap(nslookupRecord)]
}

function rcodeName(message: DecodedMessage): string {
  return typeof message.rcode === 'string' ? message.rcode : `RCODE${rcodeCode(message.rcode)}`
}

async function serverAddress(process: Process, server: string): Promise<string> {
  const found = await resolve(process, server, { signal: process.signal })
  if ('addresses' in found) return found.addresses[0] as string
  throw new UsageError(`nslookup: couldn't get address for '${server}': not found`)
}

function readArguments(words: readonly string[]) {
  let type: string | undefined
  let [port, timeoutMs, tries] = [53, 5000, 3]
  let [tcp, search] = [false, true]
  const operands: string[] = []
  for (const word of words) {
    if (!word.startsWith('-') || word === '-') {
      operands.push(word)
      continue
    }
    const [name = '', value = ''] = word.slice(1).split('=')
    if (['type', 'ty', 'querytype', 'query', 'qu', 'q'].includes(name)) type = value.toUpperCase()
    else if (name.startsWith('po')) port = Number(value)
    else if (name.startsWith('t')) timeoutMs = Math.max(1, Number(value) || 1) * 1000
    else if (name.startsWith('ret')) tries = Math.max(1, Number(value) || 1)
    else if (name === 'vc') tcp = true
    else if (name === 'nosearch') search = false
    else if (name !== 'debug' && name !== 'search' && name !== 'novc') throw new UsageError(`*** Invalid option: ${name}`)
  }
  const [host, server] = operands
  return { host, server, type, port, timeoutMs, tries, tcp, search }
}
