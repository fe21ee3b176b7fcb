import { FileError, resolvePath } from '../../simulator/files.ts'
import type { Process } from '../../simulator/programs/process.ts'
import type { ByteSource } from '../../simulator/streams.ts'
import { lineBatches } from '../posix/lines.ts'
import { escapeRegExp, patternRegExp } from '../posix/pattern.ts'
import { basicRegExp, extendedRegExp } from '../posix/regexp.ts'
import { openSource, parseOptions, ToolError, tool } from '../posix/tool.ts'

const long = {
  'ignore-case': 'i',
  'invert-match': 'v',
  'line-number': 'n',
  count: 'c',
  'only-matching': 'o',
  'extended-regexp': 'E',
  'fixed-strings': 'F',
  'basic-regexp': 'G',
  'perl-regexp': 'P',
  'word-regexp': 'w',
  'line-regexp': 'x',
  quiet: 'q',
  silent: 'q',
  recursive: 'r',
  'after-context': 'A:',
  'before-context': 'B:',
  context: 'C:',
  regexp: 'e:',
  file: 'f:',
  color: 'color?',
  colour: 'color?',
  'files-with-matches': 'l',
  'files-without-match': 'L',
  'line-buffered': 'line-buffered',
  'max-count': 'm:',
  'no-filename': 'h',
  'with-filename': 'H',
  'no-messages': 's',
  include: 'include:',
  exclude: 'exclude:',
  text: 'a',
}

interface Settings {
  process: Process
  matcher: RegExp
  invert: boolean
  flag(letter: string): boolean
  most: number
  before: number
  after: number
  names: boolean
  color: boolean
}

/** GNU grep's default colours: match bold red, file name magenta, line number green, separators cyan. */
const paint = (on: boolean, code: string, text: string) => (on ? `\x1b[${code}m\x1b[K${text}\x1b[m\x1b[K` : text)

export const grep = tool(
  'grep',
  async (process) => {
    const words = process.argv.slice(1).map((word) => (/^-\d+$/.test(word) ? `-C${word.slice(1)}` : word))
    const { options, given, operands } = parseOptions(words, 'ivncoEFGPwxqrRA:B:C:e:f:lLm:hHsaIz', long, 2)
    const rest = [...operands]
    const patterns = given.filter(([name]) => name === 'e').flatMap(([, value]) => value.split('\n'))
    for (const [name, value] of given) {
      if (name === 'f')
        patterns.push(
          ...new TextDecoder()
            .decode(await readAll(openSource(process, value)))
            .replace(/\n$/, '')
            .split('\n'),
        )
    }
    if (!options.has('e') && !options.has('f')) {
      const first = rest.shift()
      if (first === undefined) {
        await process.stderr.write("Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.\n")
        return 2
      }
      patterns.push(...first.split('\n'))
    }
    const kind = /(e|f)grep$/.exec(process.argv[0] as string)?.[1]
    const recursive = options.has('r') || options.has('R')
    const files = recursive ? walk(process, rest, options) : rest
    const color = options.get('color')
    const context = Number(options.get('C') ?? '0')
    const settings: Settings = {
      process,
      matcher: compile(patterns, {
        mode: options.has('F') || kind === 'f' ? 'F' : options.has('P') ? 'P' : options.has('E') || kind === 'e' ? 'E' : 'G',
        ignoreCase: options.has('i'),
        word: options.has('w'),
        line: options.has('x'),
      }),
      invert: options.has('v'),
      flag: (letter) => options.has(letter),
      most: Number(options.get('m') ?? Number.POSITIVE_INFINITY),
      before: Number(options.get('B') ?? context),
      after: Number(options.get('A') ?? context),
      names: options.has('H') || ((recursive || files.length > 1) && !options.has('h')),
      color: color === 'always' || (color !== undefined && color !== 'never' && process.isTerminal(1)),
    }
    return search(settings, files.length > 0 ? files : ['-'])
  },
  2,
)

async function search(settings: Settings, files: readonly string[]): Promise<number> {
  const { process } = settings
  let found = false
  let trouble = false
  for (const file of files) {
    try {
      const matched = await searchSource(settings, openSource(process, file), file === '-' ? '(standard input)' : file)
      found ||= matched
      if (found && settings.flag('q')) return 0
    } catch (error) {
      if (!(error instanceof FileError)) throw error
      trouble = true
      if (!settings.flag('s')) await process.stderr.write(`grep: ${file}: ${error.message}\n`)
    }
  }
  return trouble ? 2 : found ? 0 : 1
}

async function searchSource(settings: Settings, source: ByteSource, name: string): Promise<boolean> {
  const { process, matcher, color, flag } = settings
  const listing = flag('l') || flag('L') || flag('q') || flag('c')
  const shownName = settings.names ? paint(color, '35', name) : ''
  const prefix = (number: number, separator: string) => {
    const mark = paint(color, '36', separator)
    return `${shownName ? shownName + mark : ''}${flag('n') ? paint(color, '32', `${number}`) + mark : ''}`
  }
  let count = 0
  let number = 0
  let lastShown = 0
  let trailing = 0
  const held: string[] = []
  reading: for await (const lines of lineBatches(source, process.signal)) {
    let text = ''
    for (const line of lines) {
      number++
      matcher.lastIndex = 0
      const matches = matcher.test(line) !== settings.invert
      if (matches) {
        count++
        if (flag('q') || flag('l') || flag('L')) break reading
        if (!listing) {
          if (settings.before + settings.after > 0 && lastShown > 0 && number - held.length > lastShown + 1)
            text += `${paint(color, '36', '--')}\n`
          for (const [index, earlier] of held.entries()) text += `${prefix(number - held.length + index, '-')}${earlier}\n`
          text += flag('o')
            ? settings.invert
              ? ''
              : onlyMatches(settings, line, prefix(number, ':'))
            : `${prefix(number, ':')}${highlight(settings, line)}\n`
          lastShown = number
        }
        held.length = 0
        trailing = settings.after
        if (count >= settings.most) {
          await process.stdout.write(text)
          break reading
        }
      } else if (trailing > 0) {
        trailing--
        if (!listing && !flag('o')) text += `${prefix(number, '-')}${line}\n`
        lastShown = number
      } else if (settings.before > 0) {
        held.push(line)
        if (held.length > settings.before) held.shift()
      }
    }
    if (text !== '') await process.stdout.write(text)
  }
  if (flag('c') && !flag('q')) await process.stdout.write(`${settings.names ? `${shownName}${paint(color, '36', ':')}` : ''}${count}\n`)
  if ((flag('l') && count > 0) || (flag('L') && count === 0)) await process.stdout.write(`${paint(color, '35', name)}\n`)
  return count > 0
}

function onlyMatches({ matcher, color }: Settings, line: string, prefix: string): string {
  matcher.lastIndex = 0
  let text = ''
  for (const match of line.matchAll(matcher)) if (match[0] !== '') text += `${prefix}${paint(color, '01;31', match[0])}\n`
  return text
}

function highlight({ matcher, color, invert }: Settings, line: string): string {
  return color && !invert ? line.replace(matcher, (match) => (match === '' ? '' : paint(true, '01;31', match))) : line
}

interface Kind {
  mode: 'F' | 'G' | 'E' | 'P'
  ignoreCase: boolean
  word: boolean
  line: boolean
}

function compile(patterns: readonly string[], { mode, ignoreCase, word, line }: Kind): RegExp {
  const sources = patterns.map((pattern) => {
    if (mode === 'F') return escapeRegExp(pattern)
    return (mode === 'P' ? perl(pattern) : mode === 'E' ? extendedRegExp(pattern) : basicRegExp(pattern)).source
  })
  let source = sources.map((alternative) => `(?:${alternative})`).join('|')
  if (word) source = `(?<!\\w)(?:${source})(?!\\w)`
  if (line) source = `^(?:${source})$`
  return new RegExp(source, ignoreCase ? 'gi' : 'g')
}

function perl(pattern: string): RegExp {
  try {
    return new RegExp(pattern.replace(/\\K/g, ''))
  } catch (error) {
    throw new ToolError(`-P: ${error instanceof Error ? error.message : error}`, 2)
  }
}

function walk(process: Process, operands: readonly string[], options: ReadonlyMap<string, string>): string[] {
  const found: string[] = []
  const include = options.get('include')
  const exclude = options.get('exclude')
  const wanted = (name: string) => (!include || patternRegExp(include).test(name)) && !(exclude && patternRegExp(exclude).test(name))
  const visit = (shown: string) => {
    const path = resolvePath(process.cwd, shown)
    if (!process.files.exists(path) || !process.files.stat(path).directory) {
      found.push(shown)
      return
    }
    for (const file of process.files.list(path)) {
      const below = shown.endsWith('/') ? shown + file.name : `${shown}/${file.name}`
      if (file.directory) visit(below)
      else if (wanted(file.name)) found.push(below)
    }
  }
  if (operands.length === 0) for (const file of process.files.list(process.cwd)) visit(file.name)
  for (const operand of operands) visit(operand)
  return found
}

async function readAll(source: ByteSource): Promise<Uint8Array> {
  return (await source.read()) ?? new Uint8Array(0)
}
