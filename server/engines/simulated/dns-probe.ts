import type { Place } from '../../../simulator/kubelet/runtime/run-process.ts'
import type { DecodedMessage, ResourceRecord } from '../../../simulator/network/dns-message.ts'
import { query } from '../../../simulator/programs/resolver/resolver.ts'
import type { Probe, ProbeResult } from '../engine.ts'
import { outcomeOf } from './outcome.ts'

/** Asks one DNS question from a place: its own first nameserver, unless the probe names one. */
export async function dnsProbe(
  place: Place,
  what: Probe & { kind: 'dns' },
  signal: AbortSignal,
): Promise<Omit<ProbeResult, 'from' | 'elapsed'>> {
  const { namespace, files, clock, random } = place
  const { name, type, timeoutMs } = what
  const answer = await query(
    { sockets: namespace.sockets, files, clock, random },
    { name, type, timeoutMs, signal, ...(what.server ? { server: what.server } : {}) },
  )
  if ('message' in answer) {
    return {
      outcome: 'answered',
      dns: { rcode: rcodeText(answer.message), answers: answer.message.answers.map(dataText), server: answer.server },
    }
  }
  if ('timeout' in answer) return { outcome: 'timeout', error: `${answer.server} did not answer within ${timeoutMs} ms` }
  return { outcome: outcomeOf(answer.refused), error: `${answer.server}: ${answer.refused.message}` }
}

function rcodeText({ rcode }: DecodedMessage): string {
  return typeof rcode === 'number' ? `RCODE${rcode}` : rcode
}

/** The data as `dig +short` prints it. */
function dataText(record: ResourceRecord): string {
  switch (record.type) {
    case 'MX':
      return `${record.data.preference} ${record.data.exchange}`
    case 'SRV':
      return `${record.data.priority} ${record.data.weight} ${record.data.port} ${record.data.target}`
    case 'TXT':
      return record.data.map((text) => `"${text}"`).join(' ')
    case 'SOA':
      return Object.values(record.data).join(' ')
    case 'OTHER':
      return `\\# ${record.data.length}`
    default:
      return record.data
  }
}
