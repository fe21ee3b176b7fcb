import type { ProbeResult } from '../engines/engine.ts'
import { builtinKind } from '../kubernetes/kinds.ts'
import { parseSource } from '../labs/references.ts'
import type { DnsCheck } from '../labs/schema.ts'
import { either, type Finding, type Scene, shorten } from './finding.ts'

/** A question asked from a place of the cluster. */
export async function checkDns(check: DnsCheck, scene: Scene, signal?: AbortSignal): Promise<Finding> {
  const source = parseSource(check.from)
  if (source === undefined) throw new Error(`"${check.from}" is no source`)
  const wanted = await wantedAnswers(check, scene, signal)
  const expected = expectation(check, wanted)
  if (wanted === 'no-service') return { outcome: 'failed', expected, seen: `the Service ${serviceOf(check)} does not exist` }
  const result = await scene.cluster.probe(
    source,
    {
      kind: 'dns',
      name: check.name,
      type: check.type,
      timeoutMs: check.timeout * 1000,
      ...(check.server === undefined ? {} : { server: check.server }),
    },
    signal,
  )
  return { ...judgeDns(check, result, wanted), expected, from: result.from }
}

/** Pure: what a probe's result means for the check. */
export function judgeDns(check: DnsCheck, result: ProbeResult, wanted: readonly string[] | undefined): Pick<Finding, 'outcome' | 'seen'> {
  if (result.outcome === 'unknown') return { outcome: 'unknown', seen: result.error ?? 'it could not be tried' }
  const seen = describeDns(result)
  if (result.dns === undefined || result.dns.rcode !== rcodeOf(check)) return { outcome: 'failed', seen }
  const { answers } = result.dns
  if (wanted !== undefined && (answers.length !== wanted.length || !wanted.every((each) => answers.includes(each))))
    return { outcome: 'failed', seen }
  // NOERROR without an answer means that the name has no record of that type: for a person it does not resolve.
  if (rcodeOf(check) === 'NOERROR' && wanted === undefined && answers.length === 0) return { outcome: 'failed', seen }
  const within = typeof check.expect === 'string' ? undefined : check.expect.within
  if (within !== undefined && result.elapsed > within) return { outcome: 'failed', seen: `${seen}, which is slower than ${within} ms` }
  return { outcome: 'passed', seen }
}

function rcodeOf(check: DnsCheck): string {
  return typeof check.expect === 'string' ? check.expect : check.expect.rcode
}

function serviceOf(check: DnsCheck): string | undefined {
  return typeof check.expect === 'string' ? undefined : check.expect.service
}

async function wantedAnswers(check: DnsCheck, scene: Scene, signal?: AbortSignal): Promise<readonly string[] | undefined | 'no-service'> {
  if (typeof check.expect === 'string') return undefined
  if (check.expect.service === undefined) return check.expect.answers
  const [namespace, name = ''] = check.expect.service.split('/')
  const kind = builtinKind('Service') ?? (await scene.kube.kind('Service'))
  const service = await scene.kube.get(kind, name, namespace, signal)
  if (service === undefined) return 'no-service'
  const spec = service['spec'] as { clusterIP?: string; clusterIPs?: string[] } | undefined
  const addresses = spec?.clusterIPs ?? (spec?.clusterIP === undefined ? [] : [spec.clusterIP])
  return addresses.filter((address) => (check.type === 'AAAA') === address.includes(':'))
}

function describeDns(result: ProbeResult): string {
  const { dns } = result
  if (dns === undefined) {
    const word = result.outcome === 'timeout' ? 'no answer' : result.outcome === 'refused' ? 'connection refused' : 'not resolved'
    return `${word} after ${Math.round(result.elapsed)} ms${result.error === undefined ? '' : ` (${shorten(result.error)})`}`
  }
  const answers = dns.answers.length === 0 ? (dns.rcode === 'NOERROR' ? ' without an answer' : '') : ` ${dns.answers.join(', ')}`
  return `${dns.rcode}${answers} from ${dns.server} after ${Math.round(result.elapsed)} ms`
}

function expectation(check: DnsCheck, wanted: readonly string[] | undefined | 'no-service'): string {
  const rcode = rcodeOf(check)
  const base = `${check.name} ${check.type}: ${rcode}`
  if (serviceOf(check) !== undefined) return `${base} with the address of the Service ${serviceOf(check)}`
  if (Array.isArray(wanted)) return `${base} with ${either(wanted, 'and')}`
  return rcode === 'NOERROR' ? `${base} with an answer` : base
}
