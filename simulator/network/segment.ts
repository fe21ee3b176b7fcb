import type { Link } from './link.ts'

/** A layer 2 segment: every interface plugged into it hears the others, as on kind's Docker bridge or a switch. */
export interface Segment {
  readonly name: string
  readonly links: Link[]
  /** Frames whose IP packet is larger are lost without a word: an underlay whose MTU nobody told the hosts. */
  mtu: number
  /** Nothing crosses it. */
  down: boolean
  /** One way, ms. */
  latency: number
}
