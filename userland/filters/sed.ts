import { FileError, resolvePath } from '../../simulator/files.ts'
import type { Process } from '../../simulator/programs/process.ts'
import { lineBatches } from '../posix/lines.ts'
import { basicRegExp, extendedRegExp } from '../posix/regexp.ts'
import { openSource, parseOptions, ToolError, tool } from '../posix/tool.ts'
import type { SedCommand } from './sed-syntax.ts'
import { parseSed } from './sed-syntax.ts'

/** Lines with one line of lookahead, so that `$` is known; over several files as one stream. */
class Lines {
  readonly #batches: AsyncGenerator<string[]>
  #buffer: string[] = []
  #at = 0
  readonly last = { newline: true }

  constructor(process: Process, operands: readonly string[], fail: (operand: string, error: FileError) => Promise<void>) {
    const { last } = this
    async function* all() {
      for (const operand of operands) {
        try {
          last.newline = true
          yield* lineBatches(openSource(process, operand), process.signal, last)
        } catch (error) {
          if (!(error instanceof FileError)) throw error
          await fail(operand, error)
        }
      }
    }
    this.#batches = all()
  }

  async next(): Promise<string | undefined> {
    while (this.#at >= this.#buffer.length) {
      const batch = await this.#batches.next()
      if (batch.done) return undefined
      this.#buffer = batch.value
      this.#at = 0
    }
    return this.#buffer[this.#at++]
  }

  /** Whether another line follows: waits for it. */
  async more(): Promise<boolean> {
    const line = await this.next()
    if (line === undefined) return false
    this.#at--
    return true
  }

  /** More is at hand without waiting: output may be gathered. */
  get buffered(): boolean {
    return this.#at < this.#buffer.length
  }
}

export const sed = tool('sed', async (process) => {
  const long = { expression: 'e:', file: 'f:', 'in-place': 'i?', quiet: 'n', silent: 'n', 'regexp-extended': 'E' }
  let suffix = ''
  // `-i.bak` has its argument attached or none at all.
  const words = process.argv.slice(1).map((word) => {
    const match = /^-([nEr]*)i(.*)$/.exec(word)
    if (!match || word.startsWith('--')) return word
    suffix = match[2] as string
    return `-${match[1]}i`
  })
  const { options, given, operands } = parseOptions(words, 'ne:f:iErsuz', long)
  const scripts = given.flatMap(([name, value]) =>
    name === 'e' ? [value] : name === 'f' ? [process.files.readText(resolvePath(process.cwd, value)).replace(/\n$/, '')] : [],
  )
  const files = [...operands]
  if (scripts.length === 0) {
    const script = files.shift()
    if (script === undefined) {
      await process.stderr.write('Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n')
      return 1
    }
    scripts.push(script)
  }
  const extended = options.has('E') || options.has('r')
  const compile = (source: string, flags: string) => (extended ? extendedRegExp(source, flags) : basicRegExp(source, flags))
  const commands = parseSed(scripts.join('\n'), compile)
  const quiet = options.has('n') || /^#n(\n|$)/.test(scripts[0] as string)
  let status = 0
  const fail = async (operand: string, error: FileError) => {
    const reason = error.code === 'EISDIR' ? `couldn't read ${operand}: read error` : `can't read ${operand}`
    await process.stderr.write(`sed: ${reason}: ${error.message}\n`)
    status = 2
  }
  if (!options.has('i')) {
    const lines = new Lines(process, files.length > 0 ? files : ['-'], fail)
    const code = await runSed(process, commands, lines, quiet, (text) => process.stdout.write(text))
    return code || status
  }
  if (files.length === 0) throw new ToolError('no input files')
  for (const file of files) {
    let output = ''
    let failed = false
    const lines = new Lines(process, [file], async (operand, error) => {
      failed = true
      await fail(operand, error)
    })
    await runSed(process, commands, lines, quiet, async (text) => {
      output += text
    })
    if (failed) continue
    const path = resolvePath(process.cwd, file)
    const backup = suffix || options.get('i')
    if (backup) process.files.write(path + backup, process.files.read(path))
    process.files.write(path, output)
  }
  return status
})

async function runSed(
  process: Process,
  commands: readonly SedCommand[],
  lines: Lines,
  quiet: boolean,
  write: (text: string) => Promise<void>,
): Promise<number> {
  let hold = ''
  let number = 0
  let output = ''
  const active = new Map<SedCommand, number | undefined>()
  const flush = async () => {
    if (output === '') return
    const text = output
    output = ''
    await write(text)
  }
  let last = false
  const read = async () => {
    // Whoever reads our output must see what is ready before we wait for more.
    if (!lines.buffered) await flush()
    const line = await lines.next()
    if (line === undefined) return undefined
    number++
    if (!lines.buffered) await flush()
    last = needsLast ? !(await lines.more()) : false
    return line
  }
  const needsLast = commands.some((command) => command.first?.kind === 'last' || command.second?.kind === 'last' || command.name === 'N')
  const matches = (command: SedCommand, space: string): boolean => {
    const test = (address: SedCommand['first']): boolean =>
      address?.kind === 'line'
        ? number === address.line
        : address?.kind === 'last'
          ? last
          : address?.kind === 'step'
            ? number >= address.line && (address.step === 0 ? number === address.line : (number - address.line) % address.step === 0)
            : address?.kind === 'pattern'
              ? address.pattern.test(space)
              : true
    if (!command.second) return test(command.first) !== command.negated
    let inside = active.has(command)
    if (inside) {
      const end = active.get(command)
      const over = end !== undefined ? number >= end : test(command.second)
      if (end !== undefined && number > end) inside = false
      if (over) active.delete(command)
    } else if (test(command.first)) {
      inside = true
      const { second } = command
      const end = second.kind === 'line' ? second.line : second.kind === 'plus' ? number + second.count : undefined
      if (end === undefined || end > number) active.set(command, end)
    }
    return inside !== command.negated
  }
  for (let space = await read(); space !== undefined; space = await read()) {
    let appended = ''
    let deleted = false
    let substituted = false
    let quit: number | undefined
    for (let at = 0; at < commands.length; at++) {
      const command = commands[at] as SedCommand
      if (!matches(command, space)) {
        if (command.name === '{') at = command.end as number
        continue
      }
      switch (command.name) {
        case 's': {
          const { pattern, replacement, print, occurrence, file } = command.substitution as NonNullable<SedCommand['substitution']>
          let seen = 0
          let changed = false
          space = space.replace(pattern, (...match: unknown[]) => {
            seen++
            const named = typeof match.at(-1) === 'object' ? 1 : 0
            const groups = match.slice(0, match.length - 2 - named) as (string | undefined)[]
            if (occurrence > 1 && seen < occurrence) return groups[0] as string
            if (!command.substitution?.global && changed) return groups[0] as string
            changed = true
            return replacement(groups)
          })
          if (changed) substituted = true
          if (changed && print) output += `${space}\n`
          if (changed && file) process.files.append(resolvePath(process.cwd, file), `${space}\n`)
          break
        }
        case 'p':
          output += `${space}\n`
          break
        case 'P':
          output += `${space.split('\n')[0]}\n`
          break
        case 'd':
          deleted = true
          break
        case 'D': {
          const newline = space.indexOf('\n')
          deleted = true
          if (newline >= 0) {
            space = space.slice(newline + 1)
            deleted = false
            at = -1
          }
          break
        }
        case 'q':
        case 'Q':
          quit = command.code ?? 0
          if (command.name === 'Q') deleted = true
          break
        case 'a':
          appended += `${command.text}\n`
          break
        case 'i':
          output += `${command.text}\n`
          break
        case 'c':
          if (!command.second || command.negated || !active.has(command)) output += `${command.text}\n`
          deleted = true
          break
        case '=':
          output += `${number}\n`
          break
        case 'n': {
          if (!quiet) output += `${space}\n`
          output += appended
          appended = ''
          const next = await read()
          if (next === undefined) {
            await flush()
            return 0
          }
          space = next
          break
        }
        case 'N': {
          const next = await read()
          if (next === undefined) quit = 0
          else space += `\n${next}`
          break
        }
        case 'h':
          hold = space
          break
        case 'H':
          hold += `\n${space}`
          break
        case 'g':
          space = hold
          break
        case 'G':
          space += `\n${hold}`
          break
        case 'x':
          ;[hold, space] = [space, hold]
          break
        case 'y':
          space = [...space].map((char) => command.map?.get(char) ?? char).join('')
          break
        case 'r': {
          const path = resolvePath(process.cwd, command.text as string)
          if (process.files.exists(path)) appended += process.files.readText(path)
          break
        }
        case 'w':
          process.files.append(resolvePath(process.cwd, command.text as string), `${space}\n`)
          break
        case 'b':
          at = command.end ?? commands.length
          break
        case 't':
          if (substituted) at = command.end ?? commands.length
          substituted = false
          break
      }
      if (deleted || quit !== undefined) break
    }
    if (!deleted && !quiet) output += `${space}${lines.buffered || lines.last.newline ? '\n' : ''}`
    output += appended
    if (quit !== undefined) {
      await flush()
      return quit
    }
  }
  await flush()
  return 0
}
