/** One learner, one lab, one cluster, as the page sees it. */
export interface SessionView {
  readonly id: string
  readonly lab: {
    readonly id: string
    readonly title: string
    /** Markdown. */
    readonly story: string
    readonly minutes: number
    readonly hints: number
  }
  readonly engine: 'simulated' | 'kind'
  readonly cluster: { readonly nodes: number; readonly cni: string; readonly kubernetes: string }
  readonly state: SessionState
  /** ISO times. */
  readonly createdAt: string
  readonly readyAt?: string
  readonly endedAt?: string
  readonly steps: readonly StepView[]
  readonly tasks: readonly TaskView[]
  readonly score: { readonly earned: number; readonly possible: number; readonly hintCost: number }
  /** Revealed so far, in order. */
  readonly hints: readonly { readonly text: string; readonly cost: number }[]
  /** Points that the next hint takes off; undefined where there is none left. */
  readonly nextHintCost?: number
  /** Why it failed to start; only in state `failed`. */
  readonly failure?: { readonly code: string; readonly message: string; readonly mend?: string }
  /** Markdown; only once finished. */
  readonly debrief?: string
}

export type SessionState = 'provisioning' | 'ready' | 'finished' | 'ended' | 'failed'

export interface StepView {
  readonly name: string
  readonly state: 'running' | 'done' | 'failed'
  /** ms. */
  readonly elapsed: number
}

export interface TaskView {
  readonly id: string
  readonly title: string
  readonly points: number
  readonly checks: readonly CheckView[]
}

export interface CheckView {
  readonly id: string
  readonly title: string
  readonly state: 'pending' | 'passed' | 'failed' | 'unknown'
  /** What was seen, for people; undefined while pending. */
  readonly evidence?: Evidence
}

export interface Evidence {
  readonly sentence: string
  readonly expected: string
  readonly seen: string
  readonly from?: string
  /** ISO time. */
  readonly at: string
  /** ms. */
  readonly elapsed: number
}
