import type { FileInfo, FileSystem } from '../../simulator/files.ts'
import { FileError, resolvePath } from '../../simulator/files.ts'
import type { Process } from '../../simulator/programs/process.ts'
import { parseOptions, ToolError, tool } from '../posix/tool.ts'
import { columnsOf } from '../terminal/width.ts'

export const base = (path: string) => path.replace(/\/+$/, '').replace(/^.*\//, '') || '/'

/** Runs `act` for each operand; a refusal is told by `describe` and makes the status 1. */
async function each(
  process: Process,
  operands: readonly string[],
  describe: (operand: string, error: FileError) => string,
  act: (operand: string, path: string) => void,
): Promise<number> {
  let status = 0
  for (const operand of operands) {
    try {
      act(operand, resolvePath(process.cwd, operand))
    } catch (error) {
      if (!(error instanceof FileError)) throw error
      await process.stderr.write(`${(process.argv[0] as string).replace(/^.*\//, '')}: ${describe(operand, error)}: ${error.message}\n`)
      status = 1
    }
  }
  return status
}

function need(operands: readonly string[], count = 1): void {
  if (operands.length >= count) return
  throw new ToolError(
    operands.length === 0
      ? count > 1
        ? 'missing file operand'
        : 'missing operand'
      : `missing destination file operand after '${operands[0]}'`,
  )
}

function modeText(info: FileInfo): string {
  const bits = [...'rwxrwxrwx'].map((letter, index) => (info.mode & (0o400 >> index) ? letter : '-')).join('')
  return (info.directory ? 'd' : '-') + bits
}

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

function listingDate(modified: number, now: number): string {
  const date = new Date(modified)
  const day = `${months[date.getUTCMonth()]} ${`${date.getUTCDate()}`.padStart(2)}`
  const clock = `${`${date.getUTCHours()}`.padStart(2, '0')}:${`${date.getUTCMinutes()}`.padStart(2, '0')}`
  return now - modified > 15_778_476_000 || modified > now ? `${day}  ${date.getUTCFullYear()}` : `${day} ${clock}`
}

export function humanSize(size: number): string {
  if (size < 1024) return `${size}`
  let value = size
  let unit = -1
  while (value >= 1024 && unit < 4) {
    value /= 1024
    unit++
  }
  return `${value < 10 ? (Math.ceil(value * 10) / 10).toFixed(1) : Math.ceil(value)}${'KMGTP'[unit]}`
}

export const ls = tool(
  'ls',
  async (process) => {
    const long = {
      all: 'a',
      'almost-all': 'A',
      'human-readable': 'h',
      directory: 'd',
      recursive: 'R',
      reverse: 'r',
      color: 'color?',
      classify: 'F',
    }
    const { options, operands } = parseOptions(process.argv.slice(1), 'alAh1dRrtSFinsgo', long, 2)
    const { files, cwd } = process
    const tty = process.isTerminal(1)
    const color = options.has('color') && options.get('color') !== 'never' && (tty || options.get('color') === 'always')
    const shown = (info: FileInfo) => {
      const mark = options.has('F') ? (info.directory ? '/' : info.mode & 0o111 ? '*' : '') : ''
      const paint = !color ? '' : info.directory ? '01;34' : info.mode & 0o111 ? '01;32' : ''
      return (paint ? `\x1b[${paint}m${info.name}\x1b[0m` : info.name) + mark
    }
    const arrange = (infos: FileInfo[]) => {
      const sorted = [...infos]
      if (options.has('t')) sorted.sort((a, b) => b.modified - a.modified)
      if (options.has('S')) sorted.sort((a, b) => b.size - a.size)
      return options.has('r') ? sorted.reverse() : sorted
    }
    const table = (infos: FileInfo[]): string => {
      if (infos.length === 0) return ''
      if (options.has('l') || options.has('n')) {
        const sizes = infos.map((info) => (options.has('h') ? humanSize(info.size) : `${info.size}`))
        const width = Math.max(...sizes.map((size) => size.length))
        const owner = process.user
        const now = process.clock.now()
        return infos
          .map(
            (info, index) =>
              `${modeText(info)} ${info.directory ? 2 : 1} ${owner} ${owner} ${sizes[index]?.padStart(width)} ${listingDate(info.modified, now)} ${shown(info)}\n`,
          )
          .join('')
      }
      const names = infos.map(shown)
      if (options.has('1') || !tty) return names.map((name) => `${name}\n`).join('')
      return columnsOf(names, process.terminal?.columns ?? 80)
        .map((line) => `${line}\n`)
        .join('')
    }
    const contents = (path: string): FileInfo[] => {
      const entries = files.list(path).filter((info) => options.has('a') || options.has('A') || !info.name.startsWith('.'))
      const dots = options.has('a')
        ? [
            { ...files.stat(path), name: '.' },
            { ...files.stat(resolvePath(path, '..')), name: '..' },
          ]
        : []
      return arrange([...dots, ...entries])
    }
    const loose: FileInfo[] = []
    const directories: string[] = []
    const status = await each(
      process,
      operands.length > 0 ? operands : ['.'],
      (operand) => `cannot access '${operand}'`,
      (operand, path) => {
        const info = files.stat(path)
        if (info.directory && !options.has('d')) directories.push(operand)
        else loose.push({ ...info, name: operand })
      },
    )
    await process.stdout.write(table(arrange(loose)))
    const titled = operands.length > 1 || options.has('R')
    for (let index = 0; index < directories.length; index++) {
      const operand = directories[index] as string
      const infos = contents(resolvePath(cwd, operand))
      const gap = index > 0 || loose.length > 0 ? '\n' : ''
      const total = options.has('l') ? `total ${infos.reduce((sum, info) => sum + Math.ceil(info.size / 4096) * 4, 0)}\n` : ''
      await process.stdout.write(`${titled ? `${gap}${operand}:\n` : ''}${total}${table(infos)}`)
      if (!options.has('R')) continue
      const below = infos
        .filter((info) => info.directory && info.name !== '.' && info.name !== '..')
        .map((info) => `${operand.replace(/\/$/, '')}/${info.name}`)
      directories.splice(index + 1, 0, ...below)
    }
    return status === 0 ? 0 : 2
  },
  2,
)

export const mkdir = tool('mkdir', async (process) => {
  const { options, operands } = parseOptions(process.argv.slice(1), 'pvm:', { parents: 'p', verbose: 'v', mode: 'm:' })
  need(operands)
  return each(
    process,
    operands,
    (operand) => `cannot create directory '${operand}'`,
    (_, path) => {
      if (options.has('p') && process.files.exists(path) && process.files.stat(path).directory) return
      process.files.makeDirectory(path, { parents: options.has('p') })
    },
  )
})

export const rmdir = tool('rmdir', async (process) => {
  const { operands } = parseOptions(process.argv.slice(1), 'pv')
  need(operands)
  return each(
    process,
    operands,
    (operand) => `failed to remove '${operand}'`,
    (_, path) => {
      if (!process.files.stat(path).directory) throw new FileError('ENOTDIR', path)
      process.files.remove(path)
    },
  )
})

export const rm = tool('rm', async (process) => {
  const { options, operands } = parseOptions(process.argv.slice(1), 'rRfivd', { recursive: 'r', force: 'f' })
  const recursive = options.has('r') || options.has('R')
  if (operands.length === 0 && options.has('f')) return 0
  need(operands)
  return each(
    process,
    operands,
    (operand) => `cannot remove '${operand}'`,
    (_, path) => {
      if (!process.files.exists(path)) {
        if (options.has('f')) return
        throw new FileError('ENOENT', path)
      }
      if (process.files.stat(path).directory && !recursive) throw new FileError('EISDIR', path)
      if (path === '/') throw new ToolError("it is dangerous to operate recursively on '/'")
      process.files.remove(path, { recursive })
    },
  )
})

function copyTree(files: FileSystem, from: string, to: string): void {
  if (!files.stat(from).directory) {
    files.write(to, files.read(from))
    files.setMode(to, files.stat(from).mode)
    return
  }
  if (!files.exists(to)) files.makeDirectory(to)
  for (const info of files.list(from)) copyTree(files, `${from}/${info.name}`, `${to}/${info.name}`)
}

/** Where each source of `cp` and `mv` goes: into the destination where that is a directory. */
function destinations(process: Process, operands: readonly string[]): { sources: readonly string[]; target: (source: string) => string } {
  need(operands, 2)
  const sources = operands.slice(0, -1)
  const last = operands.at(-1) as string
  const path = resolvePath(process.cwd, last)
  const directory = process.files.exists(path) && process.files.stat(path).directory
  if (!directory && (sources.length > 1 || last.endsWith('/')))
    throw new ToolError(`target '${last}': ${process.files.exists(path) ? 'Not a directory' : 'No such file or directory'}`)
  return { sources, target: (source) => (directory ? resolvePath(path, base(source)) : path) }
}

export const cp = tool('cp', async (process) => {
  const { options, operands } = parseOptions(process.argv.slice(1), 'rRafpvTnd', { recursive: 'r', archive: 'a', force: 'f' })
  const recursive = ['r', 'R', 'a'].some((letter) => options.has(letter))
  const { sources, target } = destinations(process, operands)
  return each(
    process,
    sources,
    (source, error) => (error.code === 'ENOENT' ? `cannot stat '${source}'` : `cannot create '${operands.at(-1)}'`),
    (source, path) => {
      const to = target(source)
      if (process.files.stat(path).directory && !recursive) throw new ToolError(`-r not specified; omitting directory '${source}'`)
      if (path === to) throw new ToolError(`'${source}' and '${operands.at(-1)}' are the same file`)
      if (to.startsWith(`${path}/`)) throw new ToolError(`cannot copy a directory, '${source}', into itself, '${operands.at(-1)}'`)
      if (!(options.has('n') && process.files.exists(to))) copyTree(process.files, path, to)
    },
  )
})

export const mv = tool('mv', async (process) => {
  const { operands } = parseOptions(process.argv.slice(1), 'fivnT', { force: 'f' })
  const { sources, target } = destinations(process, operands)
  return each(
    process,
    sources,
    (source, error) => (error.code === 'ENOENT' ? `cannot stat '${source}'` : `cannot move '${source}' to '${operands.at(-1)}'`),
    (source, path) => {
      process.files.stat(path)
      const to = target(source)
      if (path !== to) process.files.rename(path, to)
    },
  )
})

export const touch = tool('touch', async (process) => {
  const { options, operands } = parseOptions(process.argv.slice(1), 'acmd:t:', { 'no-create': 'c', date: 'd:' })
  if (options.has('d') || options.has('t')) throw new ToolError('setting another time than now is not supported')
  need(operands)
  return each(
    process,
    operands,
    (operand) => `cannot touch '${operand}'`,
    (_, path) => {
      if (!process.files.exists(path)) {
        if (!options.has('c')) process.files.write(path, '')
      } else if (!process.files.stat(path).directory) process.files.write(path, process.files.read(path))
    },
  )
})

export const ln = tool('ln', async () => {
  throw new ToolError('links are not supported by this file system; copy with cp instead')
})

export const chmod = tool('chmod', async (process) => {
  const { options, operands } = parseOptions(
    process.argv.slice(1).map((word) => (/^-[rwx]/.test(word) ? `a${word}` : word)),
    'Rvf',
    { recursive: 'R' },
  )
  need(operands, 2)
  const spec = operands[0] as string
  const apply = (mode: number, directory: boolean): number => {
    if (/^[0-7]{1,4}$/.test(spec)) return Number.parseInt(spec, 8)
    let result = mode
    for (const clause of spec.split(',')) {
      const match = /^([ugoa]*)([-+=])([rwxX]*)$/.exec(clause)
      if (!match) throw new ToolError(`invalid mode: '${spec}'`)
      const who = match[1] === '' || match[1]?.includes('a') ? 'ugo' : (match[1] as string)
      let bits = 0
      for (const letter of match[3] as string)
        bits |= letter === 'r' ? 4 : letter === 'w' ? 2 : letter === 'x' || directory || mode & 0o111 ? 1 : 0
      for (const [name, shift] of [
        ['u', 6],
        ['g', 3],
        ['o', 0],
      ] as const) {
        if (!who.includes(name)) continue
        if (match[2] === '+') result |= bits << shift
        else if (match[2] === '-') result &= ~(bits << shift)
        else result = (result & ~(7 << shift)) | (bits << shift)
      }
    }
    return result
  }
  const change = (path: string) => {
    const info = process.files.stat(path)
    process.files.setMode(path, apply(info.mode, info.directory))
    if (options.has('R') && info.directory) for (const child of process.files.list(path)) change(`${path}/${child.name}`)
  }
  return each(
    process,
    operands.slice(1),
    (operand) => `cannot access '${operand}'`,
    (_, path) => change(path),
  )
})

export const basename = tool('basename', async (process) => {
  const { options, operands } = parseOptions(process.argv.slice(1), 'as:z', { suffix: 's:', multiple: 'a' })
  need(operands)
  const several = options.has('a') || options.has('s')
  const suffix = options.get('s') ?? (several ? undefined : operands[1])
  for (const operand of several ? operands : operands.slice(0, 1)) {
    const name = base(operand)
    await process.stdout.write(`${suffix && name !== suffix && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name}\n`)
  }
  return 0
})

export const dirname = tool('dirname', async (process) => {
  const operands = process.argv.slice(1)
  need(operands)
  for (const operand of operands) {
    const path = operand.replace(/\/+$/, '') || '/'
    const slash = path.lastIndexOf('/')
    await process.stdout.write(`${slash < 0 ? '.' : path.slice(0, slash).replace(/\/+$/, '') || '/'}\n`)
  }
  return 0
})

export const realpath = tool('realpath', async (process) => {
  const { operands } = parseOptions(process.argv.slice(1), 'fems', {})
  need(operands)
  for (const operand of operands) await process.stdout.write(`${resolvePath(process.cwd, operand)}\n`)
  return 0
})

export const stat = tool('stat', async (process) => {
  const { options, operands } = parseOptions(process.argv.slice(1), 'c:L', { format: 'c:' })
  need(operands)
  const format = options.get('c')
  for (const operand of operands) {
    const path = resolvePath(process.cwd, operand)
    if (!process.files.exists(path)) throw new ToolError(`cannot statx '${operand}': No such file or directory`)
    const info = process.files.stat(path)
    const time = new Date(info.modified).toISOString().replace('T', ' ').replace('Z', '000000 +0000')
    const octal = (info.mode & 0o7777).toString(8)
    const kind = info.directory ? 'directory' : info.size === 0 ? 'regular empty file' : 'regular file'
    const fields: Record<string, string> = {
      n: operand,
      s: `${info.size}`,
      a: octal,
      A: modeText(info),
      U: process.user,
      F: kind,
      Y: `${Math.floor(info.modified / 1000)}`,
      y: time,
    }
    const text = format
      ? `${format.replace(/%([nsaAUFYy])/g, (_, letter: string) => fields[letter] as string)}\n`
      : `  File: ${operand}\n  Size: ${info.size}\t${kind}\nAccess: (${octal.padStart(4, '0')}/${modeText(info)})\nModify: ${time}\n`
    await process.stdout.write(text)
  }
  return 0
})
