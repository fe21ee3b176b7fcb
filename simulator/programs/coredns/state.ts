import type { InformerMemory } from '../informers.ts'

/** What a CoreDNS process must not forget when its cluster is saved: plain data. */
export interface CoreDnsState {
  /** The Corefile it runs with, which a later change on disk does not touch until it is reloaded. */
  corefile: string
  started: boolean
  /** What the kubernetes plugin knows of the cluster. */
  known: InformerMemory
  /** The reload plugin's beat, ms; undefined while the configuration has no such plugin. */
  beat: { since: number; every: number } | undefined
  /** The loop plugin's own question while it is out, and how often it has been seen. */
  loop: { name: string; seen: number; until: number } | undefined
  /** Why the process is going away, once it is. */
  stopping: boolean
}
