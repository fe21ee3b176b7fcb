import type { Program } from './process.ts'

/**
 * What a program takes of its machine, as a plain function of what it does: so much at rest, and so much per piece of work. Data of the
 * program, measured on the real one where that is known; what is absent is nothing.
 */
export interface Usage {
  /** Cores while it only waits. */
  readonly cores?: number
  /** Bytes of working set at rest. */
  readonly bytes?: number
  /** CPU seconds to start. */
  readonly secondsAtStart?: number
  /** CPU seconds for each connection that it accepts. */
  readonly secondsPerConnection?: number
  /** Bytes for each accepted connection while it is open. */
  readonly bytesPerConnection?: number
  /** CPU seconds for each piece of data or datagram that reaches it. */
  readonly secondsPerMessage?: number
}

export const MiB = 1024 * 1024

/** A small Go server. */
const daemonUsage: Usage = { cores: 0.001, bytes: 8 * MiB, secondsAtStart: 0.05, secondsPerConnection: 0.0002, secondsPerMessage: 0.0003 }
/** A busybox applet: it lives from its start alone. */
const commandUsage: Usage = { bytes: 0.4 * MiB, secondsAtStart: 0.002 }

export function usageOf(program: Program, argv: readonly string[]): Usage {
  if (program.kind === 'cni') return {}
  const { usage } = program
  if (typeof usage === 'function') return usage(argv)
  return usage ?? (program.kind === 'daemon' ? daemonUsage : commandUsage)
}
