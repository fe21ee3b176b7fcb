import type { NetworkError } from '../../../simulator/network/sockets.ts'
import type { ProbeOutcome } from '../engine.ts'

const outcomes: Partial<Record<NetworkError['code'], ProbeOutcome>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'refused',
  ETIMEDOUT: 'timeout',
}

/** What a check is told of a socket's error. */
export function outcomeOf({ code }: Pick<NetworkError, 'code'>): ProbeOutcome {
  return outcomes[code] ?? 'unreachable'
}
