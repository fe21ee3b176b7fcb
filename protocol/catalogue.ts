/** Where a lab stands in the catalogue. Texts are for people. */
export interface LabSummary {
  readonly id: string
  readonly title: string
  readonly summary: string
  readonly track: string
  readonly level: 'beginner' | 'intermediate' | 'advanced'
  /** What a person would search for: "SERVFAIL", "Pending", "504". */
  readonly symptoms: readonly string[]
  readonly minutes: number
  readonly points: number
  readonly cluster: { readonly nodes: number; readonly cni: string; readonly kubernetes: string }
  readonly engines: readonly EngineOffer[]
  /** The open session of this lab, if there is one. */
  readonly session?: string
  /** Best score so far, of `points`; undefined when never finished. */
  readonly best?: number
}

export interface EngineOffer {
  readonly name: 'simulated' | 'kind'
  readonly available: boolean
  /** Why not, and the mend; only where not available. */
  readonly reason?: string
  readonly mend?: string
}
