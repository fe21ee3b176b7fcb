import type { At, Scope } from './jq-run.ts'
import { getPath, paths, run, values } from './jq-run.ts'
import type { Filter, Json } from './jq-syntax.ts'
import { applyFormat, arithmetic, compare, deletePath, describe, isObject, isTrue, JqError, setPath, typeOf } from './jq-values.ts'
import { formatDate } from './system.ts'

type Builtin = (input: At, given: readonly Filter[], scope: Scope) => Generator<At>

/** Functions written in jq itself, by name and number of arguments. */
export const definitions: Readonly<Record<string, { parameters: readonly string[]; body: string }>> = {
  'map/1': { parameters: ['f'], body: '[.[] | f]' },
  'map_values/1': { parameters: ['f'], body: '.[] |= f' },
  'select/1': { parameters: ['f'], body: 'if f then . else empty end' },
  'recurse/0': { parameters: [], body: '..' },
  'recurse/1': { parameters: ['f'], body: 'def r: ., (f | r); r' },
  'values/0': { parameters: [], body: 'select(. != null)' },
  'nulls/0': { parameters: [], body: 'select(. == null)' },
  'strings/0': { parameters: [], body: 'select(type == "string")' },
  'numbers/0': { parameters: [], body: 'select(type == "number")' },
  'booleans/0': { parameters: [], body: 'select(type == "boolean")' },
  'arrays/0': { parameters: [], body: 'select(type == "array")' },
  'objects/0': { parameters: [], body: 'select(type == "object")' },
  'scalars/0': { parameters: [], body: 'select(type | . != "array" and . != "object")' },
  'iterables/0': { parameters: [], body: 'select(type | . == "array" or . == "object")' },
  'to_entries/0': { parameters: [], body: '[keys_unsorted[] as $k | {key: $k, value: .[$k]}]' },
  'from_entries/0': {
    parameters: [],
    body: 'reduce .[] as $x ({}; . + {($x | if .key == null then (.k // .name // .Name // .K // .Key | if . == null then "null" else . end) else .key end | if type == "string" then . else tojson end): ($x | if has("value") then .value elif has("v") then .v else .Value end)})',
  },
  'with_entries/1': { parameters: ['f'], body: 'to_entries | map(f) | from_entries' },
  'any/0': { parameters: [], body: 'any(.[]; .)' },
  'all/0': { parameters: [], body: 'all(.[]; .)' },
  'any/1': { parameters: ['f'], body: 'any(.[]; f)' },
  'all/1': { parameters: ['f'], body: 'all(.[]; f)' },
  'any/2': { parameters: ['g', 'f'], body: 'isempty(first(g | f | select(.))) | not' },
  'all/2': { parameters: ['g', 'f'], body: 'isempty(first(g | f | select(. | not)))' },
  'isempty/1': { parameters: ['g'], body: 'reduce first(g | null) as $x (true; false)' },
  'in/1': { parameters: ['xs'], body: '. as $x | xs | has($x)' },
  'inside/1': { parameters: ['xs'], body: '. as $x | xs | contains($x)' },
  'add/1': { parameters: ['f'], body: 'reduce f as $x (null; . + $x)' },
  'range/1': { parameters: ['$x'], body: 'range(0; $x)' },
  'while/2': { parameters: ['c', 'u'], body: 'def w: if c then ., (u | w) else empty end; w' },
  'until/2': { parameters: ['c', 'u'], body: 'def r: if c then . else (u | r) end; r' },
  'repeat/1': { parameters: ['f'], body: 'def r: ., (f | r); r' },
  'first/0': { parameters: [], body: '.[0]' },
  'last/0': { parameters: [], body: '.[-1]' },
  'nth/1': { parameters: ['$n'], body: '.[$n]' },
  'paths/0': { parameters: [], body: 'path(..) | select(length > 0)' },
  'paths/1': { parameters: ['f'], body: '. as $d | paths | select(. as $p | $d | getpath($p) | f)' },
  'leaf_paths/0': { parameters: [], body: 'paths(scalars)' },
  'del/1': { parameters: ['f'], body: 'delpaths([path(f)])' },
  'todate/0': { parameters: [], body: 'strftime("%Y-%m-%dT%H:%M:%SZ")' },
  'fromdate/0': { parameters: [], body: 'fromdateiso8601' },
  'ascii/0': { parameters: [], body: '[.] | implode' },
  'finites/0': { parameters: [], body: 'select(type == "number")' },
  'join/1': {
    parameters: ['$s'],
    body: 'reduce .[] as $x (null; (if . == null then "" else . + $s end) + ($x | if . == null then "" elif type == "string" then . elif type == "number" or type == "boolean" then tojson else error("Cannot join with \\(type)") end)) // ""',
  },
  'env/0': { parameters: [], body: '$ENV' },
  'halt_error/0': { parameters: [], body: 'error' },
  'walk/1': {
    parameters: ['f'],
    body: 'def w: if type == "object" then map_values(w) elif type == "array" then map(w) else . end | f; w',
  },
  'capture/1': {
    parameters: ['re'],
    body: 'match(re) | [.captures[] | select(.name != null) | {key: .name, value: .string}] | from_entries',
  },
  'capture/2': {
    parameters: ['re', 'fl'],
    body: 'match(re; fl) | [.captures[] | select(.name != null) | {key: .name, value: .string}] | from_entries',
  },
  'scan/1': { parameters: ['re'], body: 'match(re; "g") | if (.captures | length) > 0 then [.captures[].string] else .string end' },
}

const one = (compute: (value: Json, scope: Scope) => Json): Builtin =>
  function* (input, _, scope) {
    yield { value: compute(input.value, scope), path: undefined }
  }

/** For every combination of the arguments' outputs. */
const withArguments = (compute: (value: Json, given: readonly Json[], scope: Scope) => Json): Builtin =>
  function* (input, given, scope) {
    const combine = function* (at: number, chosen: Json[]): Generator<At> {
      const filter = given[at]
      if (!filter) yield { value: compute(input.value, chosen, scope), path: undefined }
      else for (const value of values(filter, input.value, scope)) yield* combine(at + 1, [...chosen, value])
    }
    yield* combine(0, [])
  }

/** Sorts by what a filter says of each item; the filter's several outputs are compared in turn. */
function keyed(value: Json, filter: Filter | undefined, scope: Scope): { key: Json; item: Json }[] {
  if (!Array.isArray(value)) throw new JqError(`${describe(value)} cannot be sorted, as it is not an array`)
  return value.map((item) => ({ item, key: filter ? [...values(filter, item, scope)] : item }))
}

const sorted = (value: Json, filter: Filter | undefined, scope: Scope) => keyed(value, filter, scope).sort((a, b) => compare(a.key, b.key))

function groups(value: Json, filter: Filter | undefined, scope: Scope): Json[][] {
  const result: Json[][] = []
  let previous: Json | undefined
  for (const { key, item } of sorted(value, filter, scope)) {
    if (previous !== undefined && compare(previous, key) === 0) result.at(-1)?.push(item)
    else result.push([item])
    previous = key
  }
  return result
}

const bySorting = (choose: (value: Json, filter: Filter | undefined, scope: Scope) => Json): Builtin =>
  function* (input, given, scope) {
    yield { value: choose(input.value, given[0], scope), path: undefined }
  }

function text(value: Json, what: string): string {
  if (typeof value !== 'string') throw new JqError(`${describe(value)} ${what}`)
  return value
}

function numberOf(value: Json): number {
  if (typeof value !== 'number') throw new JqError(`${describe(value)} number required`)
  return value
}

function lengthOf(value: Json): Json {
  if (value === null) return 0
  if (typeof value === 'boolean') throw new JqError(`boolean (${value}) has no length`)
  if (typeof value === 'number') return Math.abs(value)
  return typeof value === 'string' ? [...value].length : Array.isArray(value) ? value.length : Object.keys(value).length
}

function keys(value: Json, sort: boolean): Json {
  if (Array.isArray(value)) return value.map((_, at) => at)
  if (!isObject(value)) throw new JqError(`${describe(value)} has no keys`)
  return sort ? Object.keys(value).sort() : Object.keys(value)
}

function contains(a: Json, b: Json): boolean {
  if (typeof a === 'string' && typeof b === 'string') return a.includes(b)
  if (Array.isArray(a) && Array.isArray(b))
    return b.every((item) => a.some((other) => typeOf(item) === typeOf(other) && contains(other, item)))
  if (isObject(a) && isObject(b))
    return Object.entries(b).every(
      ([key, item]) => Object.hasOwn(a, key) && typeOf(a[key] as Json) === typeOf(item) && contains(a[key] as Json, item),
    )
  if (typeOf(a) !== typeOf(b)) throw new JqError(`${describe(a)} and ${describe(b)} cannot have their containment checked`)
  return compare(a, b) === 0
}

function flatten(value: Json, depth: number): Json[] {
  if (!Array.isArray(value)) throw new JqError(`Cannot iterate over ${describe(value)}`)
  return value.flatMap((item) => (Array.isArray(item) && depth > 0 ? flatten(item, depth - 1) : [item]))
}

function regExp(source: Json, flags: Json): RegExp {
  const letters = typeof flags === 'string' ? flags : ''
  try {
    return new RegExp(
      text(source, 'cannot be matched, as it is not a string'),
      `${letters.includes('g') ? 'g' : ''}${letters.includes('i') ? 'i' : ''}${letters.includes('s') ? 's' : ''}u`,
    )
  } catch (error) {
    if (error instanceof JqError) throw error
    throw new JqError(`${JSON.stringify(source)} (at offset 0) is not a valid regex`)
  }
}

const spec = (given: readonly Json[]): RegExp => {
  const [first, second] = given
  return Array.isArray(first) ? regExp(first[0] as Json, first[1] ?? null) : regExp(first as Json, second ?? null)
}

const subject = (value: Json) => text(value, 'cannot be matched, as it is not a string')

function* matches(value: Json, pattern: RegExp): Generator<Json> {
  const names = [...pattern.source.matchAll(/\((?!\?)|\(\?<([A-Za-z]\w*)>/g)].map((found) => found[1] ?? null)
  const all = pattern.global ? subject(value).matchAll(pattern) : [pattern.exec(subject(value))].filter((found) => found !== null)
  for (const found of all) {
    const captures = found.slice(1).map((string, at) => ({
      offset: string === undefined ? -1 : found.index + found[0].indexOf(string),
      length: string?.length ?? 0,
      string: string ?? null,
      name: names[at] ?? null,
    }))
    yield { offset: found.index, length: found[0].length, string: found[0], captures }
  }
}

function substitution(global: boolean): Builtin {
  return function* (input, given, scope) {
    const value = subject(input.value)
    const flags = given[2] ? [...values(given[2], input.value, scope)][0] : ''
    for (const source of values(given[0] as Filter, input.value, scope)) {
      const pattern = regExp(source, `${flags}${global ? 'g' : ''}`)
      let out = ''
      let end = 0
      for (const found of pattern.global ? value.matchAll(pattern) : [pattern.exec(value)].filter((match) => match !== null)) {
        const groups: { [key: string]: Json } = {}
        for (const [name, string] of Object.entries(found.groups ?? {})) groups[name] = string ?? null
        const [replacement] = values(given[1] as Filter, groups, scope)
        out += value.slice(end, found.index) + text(replacement ?? null, 'cannot be added to a string')
        end = found.index + found[0].length
      }
      yield { value: out + value.slice(end), path: undefined }
    }
  }
}

function toNumber(value: Json): Json {
  if (typeof value === 'number') return value
  if (typeof value === 'string' && /^\s*-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$/.test(value)) return Number(value)
  throw new JqError(
    typeof value === 'string' ? `Cannot use ${describe(value)} as number` : `${describe(value)} cannot be parsed as a number`,
  )
}

function parse(value: Json): Json {
  try {
    return JSON.parse(text(value, 'only strings can be parsed'))
  } catch (error) {
    if (error instanceof JqError) throw error
    throw new JqError(`${value} (while parsing '${value}')`)
  }
}

function indices(value: Json, wanted: Json): number[] {
  const found: number[] = []
  if (typeof value === 'string' && typeof wanted === 'string') {
    for (let at = value.indexOf(wanted); at >= 0 && wanted !== ''; at = value.indexOf(wanted, at + 1)) found.push(at)
  } else if (Array.isArray(value)) {
    const parts = Array.isArray(wanted) ? wanted : [wanted]
    for (let at = 0; at + parts.length <= value.length; at++)
      if (parts.length > 0 && parts.every((part, n) => compare(value[at + n] as Json, part) === 0)) found.push(at)
  }
  return found
}

const edge = (test: (value: string, other: string) => Json, name: string) =>
  withArguments((value, [other]) => {
    if (typeof value !== 'string' || typeof other !== 'string') throw new JqError(`${name}() requires string inputs`)
    return test(value, other)
  })

export const builtins: Readonly<Record<string, Builtin>> = {
  'empty/0': function* () {},
  'not/0': one((value) => !isTrue(value)),
  'error/0': one((value) => {
    throw new JqError(value)
  }),
  'error/1': withArguments((_, [message]) => {
    throw new JqError(message as Json)
  }),
  'length/0': one(lengthOf),
  'utf8bytelength/0': one((value) => new TextEncoder().encode(text(value, 'only strings have UTF-8 byte length')).length),
  'keys/0': one((value) => keys(value, true)),
  'keys_unsorted/0': one((value) => keys(value, false)),
  'has/1': withArguments((value, [key]) => {
    if (isObject(value) && typeof key === 'string') return Object.hasOwn(value, key)
    if (Array.isArray(value) && typeof key === 'number') return key >= 0 && key < value.length
    throw new JqError(`Cannot check whether ${typeOf(value)} has a ${typeOf(key as Json)} key`)
  }),
  'contains/1': withArguments((value, [other]) => contains(value, other as Json)),
  'add/0': one((value) => {
    let sum: Json = null
    for (const item of Array.isArray(value) ? value : isObject(value) ? Object.values(value) : []) sum = arithmetic('+', sum, item)
    return sum
  }),
  'type/0': one(typeOf),
  'tostring/0': one((value) => applyFormat('@text', value)),
  'tonumber/0': one(toNumber),
  'tojson/0': one((value) => JSON.stringify(value)),
  'fromjson/0': one(parse),
  'floor/0': one((value) => Math.floor(numberOf(value))),
  'ceil/0': one((value) => Math.ceil(numberOf(value))),
  'round/0': one((value) => Math.round(numberOf(value))),
  'sqrt/0': one((value) => Math.sqrt(numberOf(value))),
  'fabs/0': one((value) => Math.abs(numberOf(value))),
  'abs/0': one((value) => Math.abs(numberOf(value))),
  'pow/2': withArguments((_, [a, b]) => numberOf(a as Json) ** numberOf(b as Json)),
  'range/2': function* (input, given, scope) {
    for (const from of values(given[0] as Filter, input.value, scope)) {
      for (const to of values(given[1] as Filter, input.value, scope))
        for (let at = numberOf(from); at < numberOf(to); at++) yield { value: at, path: undefined }
    }
  },
  'sort/0': bySorting((value, filter, scope) => sorted(value, filter, scope).map(({ item }) => item)),
  'sort_by/1': bySorting((value, filter, scope) => sorted(value, filter, scope).map(({ item }) => item)),
  'group_by/1': bySorting(groups),
  'unique/0': bySorting((value, filter, scope) => groups(value, filter, scope).map(([first]) => first as Json)),
  'unique_by/1': bySorting((value, filter, scope) => groups(value, filter, scope).map(([first]) => first as Json)),
  'min/0': bySorting((value, filter, scope) => sorted(value, filter, scope)[0]?.item ?? null),
  'min_by/1': bySorting((value, filter, scope) => sorted(value, filter, scope)[0]?.item ?? null),
  'max/0': bySorting((value, filter, scope) => sorted(value, filter, scope).at(-1)?.item ?? null),
  'max_by/1': bySorting((value, filter, scope) => sorted(value, filter, scope).at(-1)?.item ?? null),
  'reverse/0': one((value) => {
    if (typeof value === 'string') return [...value].reverse().join('')
    if (value === null) return []
    if (!Array.isArray(value)) throw new JqError(`Cannot reverse ${describe(value)}`)
    return [...value].reverse()
  }),
  'flatten/0': one((value) => flatten(value, Number.POSITIVE_INFINITY)),
  'flatten/1': withArguments((value, [depth]) => flatten(value, numberOf(depth as Json))),
  'startswith/1': edge((value, other) => value.startsWith(other), 'startswith'),
  'endswith/1': edge((value, other) => value.endsWith(other), 'endswith'),
  'ltrimstr/1': withArguments((value, [other]) =>
    typeof value === 'string' && typeof other === 'string' && value.startsWith(other) ? value.slice(other.length) : value,
  ),
  'rtrimstr/1': withArguments((value, [other]) =>
    typeof value === 'string' && typeof other === 'string' && other !== '' && value.endsWith(other) ? value.slice(0, -other.length) : value,
  ),
  'trim/0': one((value) => text(value, 'cannot be trimmed').trim()),
  'ltrim/0': one((value) => text(value, 'cannot be trimmed').trimStart()),
  'rtrim/0': one((value) => text(value, 'cannot be trimmed').trimEnd()),
  'ascii_downcase/0': one((value) => text(value, 'cannot be lowercased').replace(/[A-Z]/g, (char) => char.toLowerCase())),
  'ascii_upcase/0': one((value) => text(value, 'cannot be uppercased').replace(/[a-z]/g, (char) => char.toUpperCase())),
  'explode/0': one((value) => [...text(value, 'cannot be exploded')].map((char) => char.codePointAt(0) as number)),
  'implode/0': one((value) => String.fromCodePoint(...(value as number[]))),
  'split/1': withArguments((value, [separator]) =>
    text(value, 'cannot be split') === '' ? [] : (value as string).split(text(separator as Json, 'cannot split')),
  ),
  'split/2': withArguments((value, given) => subject(value).split(new RegExp(spec(given).source, 'u'))),
  'test/1': withArguments((value, given) => spec(given).test(subject(value))),
  'test/2': withArguments((value, given) => spec(given).test(subject(value))),
  'match/1': function* (input, given, scope) {
    for (const source of values(given[0] as Filter, input.value, scope))
      for (const value of matches(input.value, spec([source]))) yield { value, path: undefined }
  },
  'match/2': function* (input, given, scope) {
    for (const source of values(given[0] as Filter, input.value, scope)) {
      for (const flags of values(given[1] as Filter, input.value, scope))
        for (const value of matches(input.value, spec([source, flags]))) yield { value, path: undefined }
    }
  },
  'sub/2': substitution(false),
  'sub/3': substitution(false),
  'gsub/2': substitution(true),
  'gsub/3': substitution(true),
  'indices/1': withArguments((value, [wanted]) => indices(value, wanted as Json)),
  'index/1': withArguments((value, [wanted]) => indices(value, wanted as Json)[0] ?? null),
  'rindex/1': withArguments((value, [wanted]) => indices(value, wanted as Json).at(-1) ?? null),
  'transpose/0': one((value) => {
    const rows = value as Json[][]
    return Array.from({ length: Math.max(0, ...rows.map((row) => row.length)) }, (_, at) => rows.map((row) => row[at] ?? null))
  }),
  'first/1': function* (input, given, scope) {
    for (const item of run(given[0] as Filter, input, scope)) {
      yield item
      return
    }
  },
  'last/1': function* (input, given, scope) {
    let last: At | undefined
    for (const item of run(given[0] as Filter, input, scope)) last = item
    if (last) yield last
  },
  'limit/2': function* (input, given, scope) {
    for (const count of values(given[0] as Filter, input.value, scope)) {
      let left = numberOf(count)
      if (left <= 0) continue
      for (const item of run(given[1] as Filter, input, scope)) {
        yield item
        if (--left <= 0) break
      }
    }
  },
  'path/1': function* (input, given, scope) {
    for (const path of paths(given[0] as Filter, input.value, scope)) yield { value: [...path], path: undefined }
  },
  'getpath/1': function* (input, given, scope) {
    for (const path of values(given[0] as Filter, input.value, scope)) {
      let value: Json = null
      try {
        value = getPath(input.value, path as Json[])
      } catch (error) {
        if (!(error instanceof JqError) || input.value !== null) throw error
      }
      yield { value, path: input.path && [...input.path, ...(path as Json[])] }
    }
  },
  'setpath/2': withArguments((value, [path, replacement]) => setPath(value, path as Json[], replacement as Json)),
  'delpaths/1': withArguments((value, [list]) =>
    [...(list as Json[][])]
      .sort(compare)
      .reverse()
      .reduce<Json>((rest, path) => deletePath(rest, path), value),
  ),
  'input/0': function* (_, __, scope) {
    const value = scope.inputs()
    if (value === undefined) throw new JqError('No more inputs')
    yield { value, path: undefined }
  },
  'inputs/0': function* (_, __, scope) {
    for (let value = scope.inputs(); value !== undefined; value = scope.inputs()) yield { value, path: undefined }
  },
  'now/0': one((_, scope) => scope.process.clock.now() / 1000),
  'strftime/1': withArguments((value, [format]) => formatDate(text(format as Json, 'is no format'), numberOf(value) * 1000)),
  'fromdateiso8601/0': one((value) => {
    const time = Date.parse(text(value, 'cannot be parsed as a date'))
    if (Number.isNaN(time)) throw new JqError(`date "${value}" does not match format "%Y-%m-%dT%H:%M:%SZ"`)
    return Math.floor(time / 1000)
  }),
  'todateiso8601/0': one((value) => formatDate('%Y-%m-%dT%H:%M:%SZ', numberOf(value) * 1000)),
}
