import type { FileInfo } from '../../simulator/files.ts'
import { resolvePath } from '../../simulator/files.ts'
import { patternRegExp } from '../posix/pattern.ts'
import { ToolError, tool } from '../posix/tool.ts'
import { base } from './files.ts'

type Test = (path: string, info: FileInfo) => boolean | Promise<boolean>

export const find = tool('find', async (process) => {
  const words = process.argv.slice(1)
  const roots: string[] = []
  while (words.length > 0 && !/^[-(!]/.test(words[0] as string)) roots.push(words.shift() as string)
  let deepest = Number.POSITIVE_INFINITY
  let shallowest = 0
  let acted = false
  const emit = async (text: string) => {
    await process.stdout.write(text)
    return true
  }
  const argument = (name: string) => words.shift() ?? fail(`missing argument to \`${name}'`)
  const fail = (message: string): never => {
    throw new ToolError(message)
  }
  const parseOr = (): Test => {
    let left = parseAnd()
    while (words[0] === '-o' || words[0] === '-or') {
      words.shift()
      const [before, right] = [left, parseAnd()]
      left = async (path, info) => (await before(path, info)) || right(path, info)
    }
    return left
  }
  const parseAnd = (): Test => {
    let left: Test = () => true
    while (words.length > 0 && words[0] !== '-o' && words[0] !== '-or' && words[0] !== ')') {
      if (words[0] === '-a') words.shift()
      const [before, right] = [left, parsePrimary()]
      left = async (path, info) => (await before(path, info)) && right(path, info)
    }
    return left
  }
  const parsePrimary = (): Test => {
    const word = words.shift() as string
    switch (word) {
      case '!':
      case '-not': {
        const inner = parsePrimary()
        return async (path, info) => !(await inner(path, info))
      }
      case '(': {
        const inner = parseOr()
        if (words.shift() !== ')') fail("invalid expression; expected to find a ')' but didn't see one")
        return inner
      }
      case '-name':
      case '-iname': {
        const source = argument(word)
        const pattern = patternRegExp(word === '-iname' ? source.toLowerCase() : source)
        return (path) => pattern.test(word === '-iname' ? base(path).toLowerCase() : base(path))
      }
      case '-path': {
        const pattern = patternRegExp(argument(word))
        return (path) => pattern.test(path)
      }
      case '-type': {
        const kind = argument(word)
        if (!/^[fdl]$/.test(kind)) fail(`Unknown argument to -type: ${kind}`)
        return (_, info) => (kind === 'd' ? info.directory : kind === 'f' && !info.directory)
      }
      case '-empty':
        return (path, info) => (info.directory ? process.files.list(resolvePath(process.cwd, path)).length === 0 : info.size === 0)
      case '-size': {
        const match = /^([-+]?)(\d+)([ckMGb]?)$/.exec(argument(word)) ?? fail('invalid argument to -size')
        const unit = { c: 1, k: 1024, M: 1024 ** 2, G: 1024 ** 3 }[match[3] as string] ?? 512
        return (_, info) => {
          const size = Math.ceil(info.size / unit)
          return match[1] === '+' ? size > Number(match[2]) : match[1] === '-' ? size < Number(match[2]) : size === Number(match[2])
        }
      }
      case '-mmin':
      case '-mtime': {
        const match = /^([-+]?)(\d+)$/.exec(argument(word)) ?? fail(`invalid argument to ${word}`)
        const unit = word === '-mmin' ? 60_000 : 86_400_000
        return (_, info) => {
          const age = Math.floor((process.clock.now() - info.modified) / unit)
          return match[1] === '+' ? age > Number(match[2]) : match[1] === '-' ? age < Number(match[2]) : age === Number(match[2])
        }
      }
      case '-print':
        acted = true
        return (path) => emit(`${path}\n`)
      case '-print0':
        acted = true
        return (path) => emit(`${path}\0`)
      case '-delete':
        acted = true
        return (path) => {
          process.files.remove(resolvePath(process.cwd, path))
          return true
        }
      case '-exec': {
        acted = true
        const command: string[] = []
        while (words.length > 0 && words[0] !== ';' && words[0] !== '+') command.push(words.shift() as string)
        if (words.shift() === undefined) fail("missing argument to `-exec'")
        return async (path) => {
          const argv = command.map((part) => part.replaceAll('{}', path))
          const child = process.spawn(argv) ?? fail(`'${argv[0]}': No such file or directory`)
          return (await child.exit) === 0
        }
      }
      default:
        return fail(`unknown predicate \`${word}'`)
    }
  }
  for (let index = words.length - 2; index >= 0; index--) {
    if (words[index] !== '-maxdepth' && words[index] !== '-mindepth') continue
    const [name, value] = words.splice(index, 2) as [string, string]
    if (name === '-maxdepth') deepest = Number(value)
    else shallowest = Number(value)
  }
  const expression = parseOr()
  if (words.length > 0) fail(`unexpected argument \`${words[0]}'`)
  const deletes = process.argv.includes('-delete')
  let status = 0
  const visit = async (shown: string, info: FileInfo, depth: number): Promise<void> => {
    process.signal.throwIfAborted()
    const test = async () => {
      if (depth >= shallowest && (await expression(shown, info)) && !acted) await emit(`${shown}\n`)
    }
    if (!deletes) await test()
    if (info.directory && depth < deepest) {
      for (const child of process.files.list(resolvePath(process.cwd, shown)))
        await visit(`${shown.replace(/\/$/, '')}/${child.name}`, child, depth + 1)
    }
    if (deletes) await test()
  }
  for (const root of roots.length > 0 ? roots : ['.']) {
    const path = resolvePath(process.cwd, root)
    if (process.files.exists(path)) await visit(root, process.files.stat(path), 0)
    else {
      await process.stderr.write(`find: '${root}': No such file or directory\n`)
      status = 1
    }
  }
  return status
})
