const hexDigits = '0123456789abcdef'

/** Seeded randomness: a cluster's names, UIDs and jitter all come from one of these. State is one 32-bit number. */
export class Random {
  state: number

  constructor(seed: number) {
    this.state = seed >>> 0
  }

  /** A number in [0, 1). mulberry32: small, fast, good enough for names. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let t = this.state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  /** A whole number in [0, below). */
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  /** `length` characters of Kubernetes' safe alphabet (no vowels, no look-alikes), as in generated names. */
  suffix(length: number): string {
    const alphabet = 'bcdfghjklmnpqrstvwxz2456789'
    let text = ''
    for (let i = 0; i < length; i++) text += alphabet[this.below(alphabet.length)]
    return text
  }

  hex(length: number): string {
    let text = ''
    for (let i = 0; i < length; i++) text += hexDigits[this.below(16)]
    return text
  }

  /** A version 4 UUID (RFC 9562). */
  uuid(): string {
    const variant = '89ab'[this.below(4)]
    return `${this.hex(8)}-${this.hex(4)}-4${this.hex(3)}-${variant}${this.hex(3)}-${this.hex(12)}`
  }
}
