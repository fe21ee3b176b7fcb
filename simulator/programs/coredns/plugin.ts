import type { Closer } from '../../clock.ts'
import type { Followed, InformerCache } from '../informers.ts'
import type { DaemonContext } from '../process.ts'
import type { Directive } from './corefile.ts'
import type { Handler } from './query.ts'
import type { CoreDnsState } from './state.ts'

/** What a plugin is set up with: one server block's directive, and the process around it. */
export interface Setup {
  readonly context: DaemonContext<CoreDnsState>
  readonly directive: Directive
  /** Every directive of that name in the server block, in their order; the plugin is set up for each. */
  readonly siblings: readonly Directive[]
  readonly file: string
  /** Zones of the server block, canonical. */
  readonly zones: readonly string[]
  /** Port that the server listens on. */
  readonly port: number
  readonly server: ServerHooks
}

/** What a plugin can hook into beside the chain. */
export interface ServerHooks {
  /** Runs when the server starts serving, in the order of registration; not after a restore. */
  onStart(act: () => void): void
  /** Opens something that serves as long as this configuration does; again after a restore. */
  onServe(open: () => Closer): void
  /** Runs when a new configuration takes this one's place, or the process ends. */
  onStop(act: () => void): void
  /** Milliseconds between SIGTERM and the end (health's lameduck). */
  setLameduck(ms: number): void
  /** A plugin that reports whether it is ready; what /ready asks. */
  addReadiness(plugin: string, ready: () => boolean): void
  /** Plugins that are not ready yet. */
  waiting(): string[]
  /** Answers a question as if a client had asked this server. */
  readonly serve: Handler
  /** What the Kubernetes API has told the process; undefined until everything was listed once. */
  api(): InformerCache | undefined
  /** The zone that the kubernetes plugin of this server answers for; undefined without it. */
  clusterZone(): string | undefined
  /** Whether pods are followed. */
  knowsPods(): boolean
  /** The plugin needs this kind besides Services, EndpointSlices and Namespaces. */
  follow(kind: Followed): void
}

/** Puts a plugin in front of `next`. Throws CorefileError on bad arguments. */
export type Plugin = (setup: Setup) => ((next: Handler) => Handler) | undefined
