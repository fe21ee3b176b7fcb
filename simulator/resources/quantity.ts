/**
 * apimachinery's resource.Quantity: an exact number (BigInt, in units of 10⁻⁹) with the family of suffix that it was written in.
 * A plain value: compare and add through the functions here.
 */
export interface Quantity {
  readonly nanos: bigint
  readonly format: 'DecimalSI' | 'BinarySI' | 'DecimalExponent'
}

const billion = 1_000_000_000n
const decimalExponents: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const decimalSuffixes: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(decimalExponents).map(([suffix, exponent]) => [exponent, suffix]),
)
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']

/** Why the text of a quantity is refused: the error of resource.ParseQuantity. */
export const quantityFormatSentence = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

/** Undefined where the text is no quantity. Precision beyond 10⁻⁹ is rounded up, away from zero, as upstream does. */
export function parseQuantity(text: string | number): Quantity | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?((?:[KMGTPE]i)|[numkMGTPE]|[eE][+-]?\d+)?$/.exec(String(text))
  if (!match) return undefined
  const [, sign, integer = '', fraction = '', suffix = ''] = match
  if (!integer && !fraction) return undefined
  const binary = binarySuffixes.indexOf(suffix)
  let numerator = BigInt((integer || '0') + fraction)
  let scale = -fraction.length
  let format: Quantity['format'] = 'DecimalSI'
  if (binary > 0) {
    numerator *= 1024n ** BigInt(binary)
    format = 'BinarySI'
  } else if (suffix.length > 1) {
    scale += Number(suffix.slice(1))
    format = 'DecimalExponent'
  } else scale += decimalExponents[suffix]!
  if (Math.abs(scale) > 1000) return undefined
  const nanos = scale >= -9 ? numerator * 10n ** BigInt(scale + 9) : divideUp(numerator, 10n ** BigInt(-9 - scale))
  // Below one, a binary suffix would lose precision.
  if (format === 'BinarySI' && nanos > 0n && nanos < billion) format = 'DecimalSI'
  return { nanos: sign === '-' ? -nanos : nanos, format }
}

/** Negative, zero or positive as `a` is less than, equal to or more than `b`. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0
}

export function addQuantities(a: Quantity, b: Quantity): Quantity {
  return { nanos: a.nanos + b.nanos, format: a.nanos === 0n ? b.format : a.format }
}

export function subtractQuantities(a: Quantity, b: Quantity): Quantity {
  return { nanos: a.nanos - b.nanos, format: a.nanos === 0n ? b.format : a.format }
}

/** Whole units, rounded up: bytes of memory. */
export function quantityValue(quantity: Quantity): number {
  return Number(scaled(quantity.nanos, billion))
}

/** Thousandths, rounded up: millicores of CPU. */
export function quantityMilliValue(quantity: Quantity): number {
  return Number(scaled(quantity.nanos, 1_000_000n))
}

/** The canonical form: no fraction, the largest suffix that loses nothing (`1.5` → `1500m`, `1.5Gi` → `1536Mi`). */
export function formatQuantity({ nanos, format }: Quantity): string {
  if (nanos === 0n) return '0'
  const sign = nanos < 0n ? '-' : ''
  let size = nanos < 0n ? -nanos : nanos
  if (format === 'BinarySI' && size >= 1024n * billion && size % billion === 0n) {
    size /= billion
    let power = 0
    while (size % 1024n === 0n && power < binarySuffixes.length - 1) {
      size /= 1024n
      power++
    }
    return `${sign}${size}${binarySuffixes[power]}`
  }
  let exponent = -9
  while (size % 1000n === 0n && exponent < 18) {
    size /= 1000n
    exponent += 3
  }
  if (format === 'DecimalExponent') return exponent === 0 ? `${sign}${size}` : `${sign}${size}e${exponent}`
  return `${sign}${size}${decimalSuffixes[exponent]}`
}

/** Canonical text of a quantity in an object; what is no quantity is left as it is, for validation to refuse. */
export function canonicalQuantity(text: string | number): string {
  const quantity = parseQuantity(text)
  return quantity ? formatQuantity(quantity) : String(text)
}

function scaled(nanos: bigint, unit: bigint): bigint {
  return nanos < 0n ? -(-nanos / unit) : divideUp(nanos, unit)
}

function divideUp(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator
}

const numbers = new Map<string, number>()
/** Texts beyond these are parsed each time. */
const mostNumbers = 1000

/** A quantity as a plain number: cores, bytes; 0 where the text is none. The few texts that a cluster uses are parsed once. */
export function quantityNumber(quantity: string | number): number {
  const text = String(quantity)
  const known = numbers.get(text)
  if (known !== undefined) return known
  const number = Number(parseQuantity(text)?.nanos ?? 0n) / 1e9
  if (numbers.size < mostNumbers) numbers.set(text, number)
  return number
}
