import { fnv32a } from '../fnv.ts'

const safeAlphabet = 'bcdfghjklmnpqrstvwxz2456789'

/** A number as the safe characters of generated names (apimachinery's rand.SafeEncodeString). */
export function safeEncode(number: number): string {
  return [...String(number)].map((digit) => safeAlphabet[digit.charCodeAt(0) % safeAlphabet.length]).join('')
}

/**
 * A `pod-template-hash` or `controller-revision-hash`. Upstream hashes Go's dump of the struct, which nobody else can reproduce;
 * ours is over JSON with sorted keys, so it has the same form and another value.
 */
export function templateHash(template: unknown, collisions = 0): string {
  const text = JSON.stringify(template, (_, value) =>
    value && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
  return safeEncode(fnv32a(collisions ? `${text}${collisions}` : text))
}
