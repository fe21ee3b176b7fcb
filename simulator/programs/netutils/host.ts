import { isAddress } from '../../network/address.ts'
import { type ResourceRecord, rcodeCode, reverseName } from '../../network/dns-message.ts'
import { resolverConfiguration } from '../resolver/configuration.ts'
import { askServers, bindCandidates } from './bind-lookup.ts'
import { command } from './command.ts'
import { recordData, recordType, withoutDot } from './dns-text.ts'
import { parseOptions, UsageError } from './options.ts'

const usage =
  'Usage: host [-aCdilrTvVw] [-c class] [-N ndots] [-t type] [-W time]\n            [-R number] [-m flag] [-p port] hostname [server]'

/** host of BIND 9.18. */
export const host = command('bind/host', async (process) => {
  const options = parseOptions(process.argv.slice(1), {
    short: 'adrTvw4c:N:t:W:R:m:p:',
    unknown: (option) => `host: illegal option -- ${option.replace(/^-+/, '')}\n${usage}`,
  })
  const [name, server] = options.operands
  if (name === undefined) throw new UsageError(usage)
  const configuration = resolverConfiguration(process.files)
  const asking = {
    servers: server === undefined ? configuration.nameservers : [server],
    port: Number(options.value('p') ?? 53),
    timeoutMs: Number(options.value('W') ?? 5) * 1000,
    tries: Number(options.value('R') ?? 1) + 1,
    tcp: options.has('T'),
  }
  const reversed = isAddress(name)
  const wanted = options.value('t')?.toUpperCase()
  const types = wanted ? [wanted] : reversed ? ['PTR'] : ['A', 'AAAA', 'MX']
  const names = reversed ? [reverseName(name)] : bindCandidates(name, configuration)
  if (server !== undefined) {
    await process.stdout.write(`Using domain server:\nName: ${server}\nAddress: ${server}#${asking.port}\nAliases: \n\n`)
  }
  for (const candidate of names) {
    const outcome = await askServers(process, { name: candidate, type: types[0] as string }, asking)
    if (!outcome) {
      await process.stdout.write(';; no servers could be reached\n')
      return 1
    }
    const { message } = outcome
    if (message.rcode === 'NXDOMAIN' && candidate !== names.at(-1)) continue
    if (message.rcode !== 'NOERROR') {
      const shown = reversed ? withoutDot(candidate) : name
      await process.stdout.write(`Host ${shown} not found: ${rcodeCode(message.rcode)}(${message.rcode})\n`)
      return 1
    }
    const records = [...message.answers]
    for (const type of types.slice(1)) {
      const more = await askServers(process, { name: candidate, type }, asking)
      if (more) records.push(...more.message.answers.filter((record) => record.type === type))
    }
    if (records.length === 0 && wanted) await process.stdout.write(`${withoutDot(candidate)} has no ${wanted} record\n`)
    for (const record of records) await process.stdout.write(`${sentence(record)}\n`)
    return 0
  }
  return 1
})

function sentence(record: ResourceRecord): string {
  const name = withoutDot(record.name)
  switch (record.type) {
    case 'A':
      return `${name} has address ${record.data}`
    case 'AAAA':
      return `${name} has IPv6 address ${record.data}`
    case 'CNAME':
      return `${name} is an alias for ${record.data}`
    case 'PTR':
      return `${name} domain name pointer ${record.data}`
    case 'MX':
      return `${name} mail is handled by ${recordData(record)}`
    case 'NS':
      return `${name} name server ${record.data}`
    case 'TXT':
      return `${name} descriptive text ${recordData(record)}`
    default:
      return `${name} has ${recordType(record)} record ${recordData(record)}`
  }
}
