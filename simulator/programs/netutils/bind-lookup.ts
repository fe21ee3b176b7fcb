import type { DecodedMessage } from '../../network/dns-message.ts'
import type { Process } from '../process.ts'
import type { ResolverConfiguration } from '../resolver/configuration.ts'
import { glibcCandidates, type QueryOutcome, query } from '../resolver/resolver.ts'

export type Answered = Extract<QueryOutcome, { message: DecodedMessage }>

export interface Asking {
  readonly servers: readonly string[]
  readonly port: number
  readonly timeoutMs: number
  readonly tries: number
  readonly tcp: boolean
  readonly recursion?: boolean
  readonly ignoreTruncation?: boolean
  readonly edns?: { readonly udpSize: number; readonly dnssecOk?: boolean }
  /** A SERVFAIL is an answer too (`+nofail`); otherwise the next server is asked first. */
  readonly acceptFailure?: boolean
}

/** How dig, host and nslookup of BIND 9.18 ask: servers in turn, each as often as `tries`; every silence is told. Undefined: nobody answered. */
export async function askServers(
  process: Process,
  question: { name: string; type: string },
  asking: Asking,
): Promise<Answered | undefined> {
  const { servers, port, timeoutMs, tries, tcp, recursion, ignoreTruncation, edns } = asking
  let servfail: Answered | undefined
  for (const server of servers) {
    for (let attempt = 0; attempt < tries; attempt++) {
      const outcome = await query(process, {
        ...question,
        server,
        port,
        timeoutMs,
        tcp,
        signal: process.signal,
        ...(recursion === undefined ? {} : { recursion }),
        ...(ignoreTruncation ? { ignoreTruncation } : {}),
        ...(edns ? { edns } : {}),
      })
      if ('message' in outcome) {
        if (outcome.message.rcode !== 'SERVFAIL' || asking.acceptFailure) return outcome
        servfail = outcome
        break
      }
      await process.stdout.write(complaint(outcome, port, tcp, question.name))
      // Over UDP a refusal is tried again like silence (recv_done of bin/dig/dighost.c); a TCP connection that fails is final for this server.
      if ('refused' in outcome && tcp) break
    }
  }
  return servfail
}

function complaint(outcome: Exclude<QueryOutcome, Answered>, port: number, tcp: boolean, name: string): string {
  const at = `${outcome.server}#${port}`
  const reason = 'refused' in outcome ? (reasons[outcome.refused.code] ?? 'unexpected error') : 'timed out'
  if (tcp) return `;; Connection to ${at}(${outcome.server}) for ${name.replace(/\.$/, '')} failed: ${reason}.\n`
  return `;; communications error to ${at}: ${reason}\n`
}

/** isc_result_totext. */
const reasons: Partial<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'end of file',
  ETIMEDOUT: 'timed out',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  EPERM: 'permission denied',
}

/** host and nslookup search as the C library does. */
export function bindCandidates(name: string, configuration: Pick<ResolverConfiguration, 'search' | 'ndots'>): string[] {
  return glibcCandidates(name, configuration)
}
