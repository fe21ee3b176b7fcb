import type { Cluster } from '../engines/engine.ts'
import type { KubeClient } from '../kubernetes/client.ts'
import type { Baseline } from './baseline.ts'

/** What a check needs to look at the cluster. */
export interface Scene {
  readonly cluster: Cluster
  readonly kube: KubeClient
  /** What `untouched` compares with; undefined before it is taken. */
  readonly baseline: Baseline | undefined
}

/** What a check saw. `unknown` is for what could not be tried at all: it is no failure. */
export interface Finding {
  readonly outcome: 'passed' | 'failed' | 'unknown'
  readonly expected: string
  readonly seen: string
  readonly from?: string
}

export function shorten(text: string, length = 160): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > length ? `${line.slice(0, length - 1)}…` : line
}

/** `a`, `a or b`, `a, b or c`. */
export function either(words: readonly string[], joint = 'or'): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${joint} ${words.at(-1)}`
}
