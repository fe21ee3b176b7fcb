/** Round-trip times of one run of ping, in microseconds as both pings reckon them. */
export class RoundTrips {
  sent = 0
  received = 0
  errors = 0
  /** When the last request left, ms since the epoch: iputils' total time ends there. */
  lastSent = 0
  #sum = 0
  #squares = 0
  #least = Number.POSITIVE_INFINITY
  #most = 0

  add(ms: number): number {
    const microseconds = Math.round(ms * 1000)
    this.received++
    this.#sum += microseconds
    this.#squares += microseconds ** 2
    this.#least = Math.min(this.#least, microseconds)
    this.#most = Math.max(this.#most, microseconds)
    return microseconds
  }

  get most(): number {
    return this.#most
  }

  get summary(): { least: string; average: string; most: string; deviation: string } {
    const average = Math.floor(this.#sum / this.received)
    const deviation = Math.floor(Math.sqrt(Math.max(0, this.#squares / this.received - (this.#sum / this.received) ** 2)))
    return {
      least: milliseconds(this.#least),
      average: milliseconds(average),
      most: milliseconds(this.#most),
      deviation: milliseconds(deviation),
    }
  }
}

/** `1234` µs is `1.234`. */
export function milliseconds(microseconds: number): string {
  return `${Math.floor(microseconds / 1000)}.${String(microseconds % 1000).padStart(3, '0')}`
}

/** iputils' time column: fewer decimals for longer times. */
export function shortMilliseconds(microseconds: number): string {
  if (microseconds >= 99_950) return `${Math.round(microseconds / 1000)}`
  if (microseconds >= 9995) return (Math.round(microseconds / 100) / 10).toFixed(1)
  if (microseconds >= 1000) return (Math.round(microseconds / 10) / 100).toFixed(2)
  return milliseconds(microseconds)
}
