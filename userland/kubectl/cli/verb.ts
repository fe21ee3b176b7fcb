import type { Process } from '../../../simulator/programs/process.ts'
import type { Client } from '../client/client.ts'
import type { Discovery } from '../client/discovery.ts'
import type { Kubeconfig, Target } from '../client/kubeconfig.ts'
import type { Flag, Flags } from './flags.ts'

/** One command of the tree: `kubectl rollout` with children, or `kubectl rollout status` that runs. */
export interface Verb {
  readonly name: string
  readonly aliases?: readonly string[]
  /** Other words that people type when they mean this one. */
  readonly suggestFor?: readonly string[]
  readonly about: string
  /** Further prose of `--help`. */
  readonly more?: string
  readonly examples?: readonly string[]
  /** What follows the name in the usage line. */
  readonly usage: string
  readonly flags?: readonly Flag[]
  readonly required?: readonly string[]
  readonly children?: readonly Verb[]
  /** Where its help goes when no child is named: standard error, unless it says otherwise. */
  readonly helpTo?: 'stdout'
  /** The exit code where it is not 0. */
  run?(call: Call): Promise<number | undefined>
}

/** One run of a verb, with what it may ask for. */
export interface Call {
  readonly process: Process
  readonly flags: Flags
  readonly args: readonly string[]
  /** How many arguments stood before `--`; -1 without one. */
  readonly dash: number
  /** `kubectl rollout status` */
  readonly path: string
  readonly kubeconfig: () => Kubeconfig
  /** Where the command line and the kubeconfig point. */
  readonly target: () => Target
  readonly client: () => Client
  /** Fetched once per run. */
  readonly discovery: () => Promise<Discovery>
  readonly namespace: () => string
  out(text: string): Promise<void>
  err(text: string): Promise<void>
}
