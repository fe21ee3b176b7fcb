import { resolvePath } from '../../simulator/files.ts'
import type { Process } from '../../simulator/programs/process.ts'
import { readText } from '../posix/lines.ts'
import { openSource, parseOptions, ToolError, tool } from '../posix/tool.ts'
import { formatDate } from './system.ts'

/** One edit: lines `[aFrom, aTo)` of the old text become `[bFrom, bTo)` of the new one. */
export interface Change {
  aFrom: number
  aTo: number
  bFrom: number
  bTo: number
}

/** The shortest edit script between two lists of lines (Myers 1986), as changes in order. */
export function differences(a: readonly string[], b: readonly string[]): Change[] {
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let endA = a.length
  let endB = b.length
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--
    endB--
  }
  const n = endA - start
  const m = endB - start
  const most = n + m
  const trace: Int32Array[] = []
  const furthest = new Int32Array(2 * most + 2)
  search: for (let d = 0; d <= most; d++) {
    trace.push(furthest.slice())
    for (let k = -d; k <= d; k += 2) {
      const at = k + most
      let x =
        k === -d || (k !== d && (furthest[at - 1] as number) < (furthest[at + 1] as number))
          ? (furthest[at + 1] as number)
          : (furthest[at - 1] as number) + 1
      while (x < n && x - k < m && a[start + x] === b[start + x - k]) x++
      furthest[at] = x
      if (x >= n && x - k >= m) break search
    }
  }
  const changes: Change[] = []
  let x = n
  let y = m
  for (let d = trace.length - 1; d > 0; d--) {
    const before = trace[d] as Int32Array
    const k = x - y
    const down = k === -d || (k !== d && (before[k - 1 + most] as number) < (before[k + 1 + most] as number))
    const fromX = before[(down ? k + 1 : k - 1) + most] as number
    const fromY = fromX - (down ? k + 1 : k - 1)
    const change = {
      aFrom: start + fromX,
      aTo: start + (down ? fromX : fromX + 1),
      bFrom: start + fromY,
      bTo: start + (down ? fromY + 1 : fromY),
    }
    const next = changes[0]
    if (next && change.aTo === next.aFrom && change.bTo === next.bFrom) changes[0] = { ...change, aTo: next.aTo, bTo: next.bTo }
    else changes.unshift(change)
    x = fromX
    y = fromY
  }
  return changes
}

const noNewline = '\\ No newline at end of file\n'

function linesOf(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)/)
}

const shown = (mark: string, line: string) => (line.endsWith('\n') ? mark + line : `${mark}${line}\n${noNewline}`)

/** A unified diff's hunks with `context` lines around each change. */
export function unified(a: readonly string[], b: readonly string[], changes: readonly Change[], context: number): string {
  let text = ''
  for (let index = 0; index < changes.length; ) {
    let last = index
    while (last + 1 < changes.length && (changes[last + 1] as Change).aFrom - (changes[last] as Change).aTo <= 2 * context) last++
    const first = changes[index] as Change
    const final = changes[last] as Change
    const aStart = Math.max(0, first.aFrom - context)
    const bStart = Math.max(0, first.bFrom - context)
    const aEnd = Math.min(a.length, final.aTo + context)
    const bEnd = Math.min(b.length, final.bTo + context)
    const range = (from: number, to: number) => (to - from === 1 ? `${from + 1}` : `${to === from ? from : from + 1},${to - from}`)
    text += `@@ -${range(aStart, aEnd)} +${range(bStart, bEnd)} @@\n`
    let at = aStart
    for (const change of changes.slice(index, last + 1)) {
      for (; at < change.aFrom; at++) text += shown(' ', a[at] as string)
      for (; at < change.aTo; at++) text += shown('-', a[at] as string)
      for (let b_ = change.bFrom; b_ < change.bTo; b_++) text += shown('+', b[b_] as string)
    }
    for (; at < aEnd; at++) text += shown(' ', a[at] as string)
    index = last + 1
  }
  return text
}

function normal(a: readonly string[], b: readonly string[], changes: readonly Change[]): string {
  const range = (from: number, to: number) => (to - from <= 1 ? `${to === from ? from : from + 1}` : `${from + 1},${to}`)
  return changes
    .map(({ aFrom, aTo, bFrom, bTo }) => {
      const kind = aFrom === aTo ? 'a' : bFrom === bTo ? 'd' : 'c'
      const removed = a
        .slice(aFrom, aTo)
        .map((line) => shown('< ', line))
        .join('')
      const added = b
        .slice(bFrom, bTo)
        .map((line) => shown('> ', line))
        .join('')
      return `${range(aFrom, aTo)}${kind}${range(bFrom, bTo)}\n${removed}${kind === 'c' ? '---\n' : ''}${added}`
    })
    .join('')
}

interface Settings {
  context: number | undefined
  brief: boolean
  recursive: boolean
  newFile: boolean
  labels: string[]
  key(line: string): string
  command: string
}

export const diff = tool(
  'diff',
  async (process) => {
    const long = {
      unified: 'u?',
      brief: 'q',
      recursive: 'r',
      'new-file': 'N',
      label: 'L:',
      'ignore-case': 'i',
      'ignore-all-space': 'w',
      'ignore-space-change': 'b',
      'ignore-blank-lines': 'B',
      color: 'color?',
      text: 'a',
    }
    const { options, given, operands } = parseOptions(process.argv.slice(1), 'uU:qrNL:iwbBasp', long, 2)
    if (operands.length < 2)
      throw new ToolError(operands.length === 0 ? "missing operand after 'diff'" : `missing operand after '${operands[0]}'`, 2)
    if (operands.length > 2) throw new ToolError(`extra operand '${operands[2]}'`, 2)
    const words = process.argv.slice(1)
    const settings: Settings = {
      context: options.has('U') ? Number(options.get('U')) : options.has('u') ? Number(options.get('u') || '3') : undefined,
      brief: options.has('q'),
      recursive: options.has('r'),
      newFile: options.has('N'),
      labels: given.filter(([name]) => name === 'L').map(([, value]) => value),
      key: (line) => {
        let key = options.has('w') ? line.replace(/[ \t]+/g, '') : options.has('b') ? line.replace(/[ \t]+/g, ' ').replace(/ $/, '') : line
        if (options.has('i')) key = key.toLowerCase()
        return key
      },
      command: ['diff', ...words.slice(0, words.length - 2)].join(' '),
    }
    return compare(process, operands[0] as string, operands[1] as string, settings, false)
  },
  2,
)

async function compare(process: Process, left: string, right: string, settings: Settings, nested: boolean): Promise<number> {
  const { files, cwd } = process
  const directory = (name: string) => name !== '-' && files.exists(resolvePath(cwd, name)) && files.stat(resolvePath(cwd, name)).directory
  if (directory(left) && directory(right)) return compareDirectories(process, left, right, settings)
  if (directory(left)) return compare(process, `${left.replace(/\/$/, '')}/${right.replace(/^.*\//, '')}`, right, settings, nested)
  if (directory(right)) return compare(process, left, `${right.replace(/\/$/, '')}/${left.replace(/^.*\//, '')}`, settings, nested)
  const read = async (name: string) => {
    if (settings.newFile && name !== '-' && !files.exists(resolvePath(cwd, name))) return ''
    return readText(openSource(process, name), process.signal)
  }
  const a = linesOf(await read(left))
  const b = linesOf(await read(right))
  const changes = differences(a.map(settings.key), b.map(settings.key))
  if (changes.length === 0) return 0
  if (settings.brief) {
    await process.stdout.write(`Files ${left} and ${right} differ\n`)
    return 1
  }
  const heading = nested ? `${settings.command} ${left} ${right}\n` : ''
  if (settings.context === undefined) {
    await process.stdout.write(heading + normal(a, b, changes))
    return 1
  }
  const label = (name: string, index: number) => {
    const given = settings.labels[index]
    if (given !== undefined) return given
    const path = resolvePath(cwd, name)
    const modified = name === '-' ? process.clock.now() : files.exists(path) ? files.stat(path).modified : 0
    return `${name}\t${formatDate('%Y-%m-%d %H:%M:%S.%N %z', modified)}`
  }
  await process.stdout.write(`${heading}--- ${label(left, 0)}\n+++ ${label(right, 1)}\n${unified(a, b, changes, settings.context)}`)
  return 1
}

async function compareDirectories(process: Process, left: string, right: string, settings: Settings): Promise<number> {
  const { files, cwd } = process
  const names = (directory: string) => files.list(resolvePath(cwd, directory)).map((info) => info.name)
  const [inLeft, inRight] = [new Set(names(left)), new Set(names(right))]
  const trimmed = (name: string) => name.replace(/\/$/, '')
  let status = 0
  for (const name of [...new Set([...inLeft, ...inRight])].sort()) {
    const [from, to] = [`${trimmed(left)}/${name}`, `${trimmed(right)}/${name}`]
    if ((inLeft.has(name) && inRight.has(name)) || settings.newFile) {
      const both = [from, to].every((path) => files.exists(resolvePath(cwd, path)) && files.stat(resolvePath(cwd, path)).directory)
      if (both && !settings.recursive) await process.stdout.write(`Common subdirectories: ${from} and ${to}\n`)
      else status = Math.max(status, await compare(process, from, to, settings, true))
      continue
    }
    await process.stdout.write(`Only in ${trimmed(inLeft.has(name) ? left : right)}: ${name}\n`)
    status = Math.max(status, 1)
  }
  return status
}
