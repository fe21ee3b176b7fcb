/** The body of every refusal, over HTTP and as a socket acknowledgement. */
export interface Refusal {
  readonly error: {
    /** Stable, for code: `unknown-session`, `bad-message`, `port-in-use`. */
    readonly code: string
    /** One sentence for people. */
    readonly message: string
    /** How to mend it. */
    readonly mend?: string
  }
}
