import type { Random } from '../../simulator/random.ts'

export function oneOf<T>(random: Random, values: readonly T[]): T {
  return values[random.below(values.length)] as T
}

/** Texts that parsers, validators and terminals have stumbled over. */
export const oddTexts = [
  '',
  ' ',
  '-',
  '.',
  '..',
  '/',
  '%',
  'x/y/z',
  'ünï-çødé',
  '日本語',
  '\u0000',
  '\ud800',
  'a\nb',
  '"',
  '\\',
  'null',
  'true',
  '0',
  '-1',
  '1e999',
  '4294967296',
  '99999999999999999999999',
  '10.244.0.1/33',
  '::1',
  '999.1.1.1',
  '0x7f.1',
  '1Ki',
  '1.5.5',
  '-5m',
  '1e-1000000',
  '100%',
  '-10%',
  'UPPER.Case',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '$(A)',
  '{{.}}',
  '2026-13-45T99:99:99Z',
  '* * * * *',
  '61 25 * * *',
  'a'.repeat(64),
  'a'.repeat(300),
  'sh -c "exit 1"',
]
const oddNumbers = [0, -0, -1, 1, 2, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 53, 1e21, 1e308, 0.5, -0.1]

function oddValue(random: Random, depth = 0): unknown {
  switch (random.below(depth > 2 ? 5 : 8)) {
    case 0:
      return null
    case 1:
      return random.below(2) === 0
    case 2:
      return oneOf(random, oddNumbers)
    case 3:
    case 4:
      return oneOf(random, oddTexts)
    case 5:
      return Array.from({ length: random.below(4) }, () => oddValue(random, depth + 1))
    case 6:
      return Object.fromEntries(Array.from({ length: random.below(4) }, () => [oneOf(random, oddTexts), oddValue(random, depth + 1)]))
    default:
      return {}
  }
}

type Place = { holder: any; key: string | number }

function places(value: unknown, found: Place[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return found
  for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    found.push({ holder: value, key })
    places((value as any)[key], found)
  }
  return found
}

/** A copy with `times` random places changed: another type, an odd value of the same type, gone, twice, or a stranger beside. */
export function bent<T>(random: Random, object: T, times: number): T {
  const copy = structuredClone(object)
  for (let i = 0; i < times; i++) {
    const all = places(copy)
    if (all.length === 0) break
    const { holder, key } = oneOf(random, all)
    const value = holder[key]
    switch (random.below(8)) {
      case 0:
        holder[key] = oddValue(random)
        break
      case 1:
      case 2:
      case 3:
      case 4:
        // The same type, so that it gets past the decoder and meets validation and controllers.
        if (typeof value === 'string') holder[key] = oneOf(random, oddTexts)
        else if (typeof value === 'number') holder[key] = Math.trunc(oneOf(random, oddNumbers))
        else if (typeof value === 'boolean') holder[key] = !value
        else if (Array.isArray(value)) holder[key] = oneOf(random, [[], [...value, ...value], value.slice(1)])
        else holder[key] = {}
        break
      case 5:
        if (Array.isArray(holder)) holder.splice(Number(key), 1)
        else delete holder[key]
        break
      case 6:
        if (Array.isArray(holder)) holder.push(structuredClone(value))
        else Object.defineProperty(holder, oneOf(random, oddTexts), { value, enumerable: true, configurable: true, writable: true })
        break
      default:
        holder[key] = oneOf(random, [null, [], {}, '', 0, false])
    }
  }
  return copy
}
