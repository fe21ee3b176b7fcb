interface FaultProps {
  /** How far the fault still gapes: 1 is broken, 0 is closed. */
  readonly gap?: number
  /** Where along the line it slips, in percent. */
  readonly at?: number
}

/** The house mark as a rule: two halves of a stratum that have slipped past each other, and close as the repair proceeds. */
export function Fault({ gap = 1, at = 62 }: FaultProps) {
  const end = at + 1.6
  return (
    <svg
      className={gap === 0 ? 'fault fault--closed' : 'fault'}
      viewBox="0 0 100 12"
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      <path d={`M0 11H${at}`} />
      <path d={`M${end} 11H100`} style={{ transform: `translateY(${-10 * gap}px)` }} />
      <path className="fault__slip" d={`M${at} 11L${end} ${11 - 10 * gap}`} />
    </svg>
  )
}
