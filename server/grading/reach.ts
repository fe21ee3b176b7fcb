import type { Probe, ProbeOutcome, ProbeResult } from '../engines/engine.ts'
import { parseSource } from '../labs/references.ts'
import type { ReachCheck } from '../labs/schema.ts'
import { either, type Finding, type Scene, shorten } from './finding.ts'

/** From one place to another, through the network of the cluster. */
export async function checkReach(check: ReachCheck, scene: Scene, signal?: AbortSignal): Promise<Finding> {
  const source = parseSource(check.from)
  if (source === undefined) throw new Error(`"${check.from}" is no source`)
  const result = await scene.cluster.probe(source, probeOf(check), signal)
  const target = check.url ?? check.tcp ?? ''
  return { ...judgeReach(check, result), expected: expectation(check, target), from: result.from }
}

function probeOf(check: ReachCheck): Probe {
  const timeoutMs = check.timeout * 1000
  if (check.url !== undefined) {
    return { kind: 'http', url: check.url, timeoutMs, ...(check.host === undefined ? {} : { host: check.host }) }
  }
  return tcpProbe(check.tcp ?? '', timeoutMs)
}

/** A connection to `host:port` or `[address]:port`. */
export function tcpProbe(target: string, timeoutMs: number): Probe {
  const at = target.lastIndexOf(':')
  return { kind: 'tcp', host: target.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(target.slice(at + 1)), timeoutMs }
}

type Answer = Exclude<ReachCheck['expect'], string | readonly string[]>

/** Pure: what a probe's result means for the check. */
export function judgeReach(check: ReachCheck, result: ProbeResult): Pick<Finding, 'outcome' | 'seen'> {
  const seen = describeReach(result)
  if (result.outcome === 'unknown') return { outcome: 'unknown', seen: result.error ?? 'it could not be tried' }
  const { expect } = check
  if (typeof expect === 'string' || Array.isArray(expect)) {
    return { outcome: ([expect].flat() as ProbeOutcome[]).includes(result.outcome) ? 'passed' : 'failed', seen }
  }
  const answer = expect as Answer
  if (result.outcome !== answer.outcome) return { outcome: 'failed', seen }
  const { http } = result
  const statuses = answer.status === undefined ? undefined : [answer.status].flat()
  if (statuses !== undefined && (http === undefined || !statuses.includes(http.status))) return { outcome: 'failed', seen }
  if (answer.body !== undefined && !(http?.body.includes(answer.body) ?? false)) {
    return { outcome: 'failed', seen: `${seen}, with the body ${JSON.stringify(shorten(http?.body ?? '', 80))}` }
  }
  for (const [name, value] of Object.entries(answer.headers ?? {})) {
    const found = Object.entries(http?.headers ?? {}).find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1]
    if (found !== value) return { outcome: 'failed', seen: `${seen}, with ${name}: ${found ?? '(none)'}` }
  }
  return { outcome: 'passed', seen }
}

export function describeReach(result: ProbeResult): string {
  const words: Record<ProbeOutcome, string> = {
    answered: result.http === undefined ? 'connected' : `answered ${result.http.status}`,
    refused: 'connection refused',
    timeout: 'no answer',
    unreachable: 'host unreachable',
    unresolved: 'the name was not resolved',
    unknown: 'it could not be tried',
  }
  const error = result.outcome === 'answered' || result.error === undefined ? '' : ` (${shorten(result.error)})`
  return `${words[result.outcome]} after ${Math.round(result.elapsed)} ms${error}`
}

function expectation(check: ReachCheck, target: string): string {
  const { expect } = check
  if (typeof expect === 'string' || Array.isArray(expect))
    return `${target} ${either([expect].flat().map((word) => phrases[word as ProbeOutcome]))}`
  const answer = expect as Answer
  const parts = [
    answer.status === undefined ? phrases[answer.outcome] : `answers ${either([answer.status].flat().map(String))}`,
    ...(answer.body === undefined ? [] : [`with ${JSON.stringify(shorten(answer.body, 60))} in the body`]),
    ...Object.entries(answer.headers ?? {}).map(([name, value]) => `with ${name}: ${value}`),
  ]
  return `${target} ${parts.join(', ')}`
}

const phrases: Record<ProbeOutcome, string> = {
  answered: 'answers',
  refused: 'refuses the connection',
  timeout: 'does not answer',
  unreachable: 'is unreachable',
  unresolved: 'is not resolved',
  unknown: 'cannot be tried',
}
