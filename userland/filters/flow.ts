import { FileError, resolvePath } from '../../simulator/files.ts'
import type { Process } from '../../simulator/programs/process.ts'
import { lineBatches, readBytes } from '../posix/lines.ts'
import { forEachSource, openSource, parseCount, parseDuration, parseOptions, ToolError, tool } from '../posix/tool.ts'

export const cat = tool('cat', async (process) => {
  const { options, operands } = parseOptions(process.argv.slice(1), 'nbAeEstTuv', {
    number: 'n',
    'show-all': 'A',
    'show-ends': 'E',
    'squeeze-blank': 's',
  })
  const all = options.has('A')
  const plain = !['n', 'b', 'A', 'e', 'E', 's', 't', 'T', 'v'].some((letter) => options.has(letter))
  let number = 0
  let blank = false
  return forEachSource(process, operands, async (source) => {
    if (plain) {
      for (let chunk = await source.read(process.signal); chunk; chunk = await source.read(process.signal))
        await process.stdout.write(chunk)
      return
    }
    const last = { newline: true }
    let open = false
    for await (const lines of lineBatches(source, process.signal, last)) {
      let text = ''
      for (let line of lines) {
        const ends = last.newline && (all || options.has('e') || options.has('E'))
        if (options.has('s') && line === '' && blank) continue
        blank = line === ''
        if (all || options.has('t') || options.has('T')) line = line.replaceAll('\t', '^I')
        if (all || options.has('v') || options.has('e') || options.has('t')) {
          line = line.replace(/[\x00-\x08\x0b-\x1f\x7f]/g, (char) =>
            char === '\x7f' ? '^?' : `^${String.fromCharCode(char.charCodeAt(0) + 64)}`,
          )
        }
        const numbered = options.has('b') ? line !== '' : options.has('n')
        text += `${numbered ? `${`${++number}`.padStart(6)}\t` : ''}${line}${ends ? '$' : ''}\n`
      }
      open = !last.newline
      await process.stdout.write(open ? text.slice(0, -1) : text)
    }
  })
})

async function headOf(process: Process, operand: string, count: number, bytes: boolean): Promise<void> {
  const source = openSource(process, operand)
  let left = count
  if (count < 0) {
    const all = await readBytes(source, process.signal)
    if (bytes) return process.stdout.write(all.subarray(0, Math.max(0, all.length + count)))
    const lines = new TextDecoder().decode(all).split(/(?<=\n)/)
    return process.stdout.write(lines.slice(0, Math.max(0, lines.length + count)).join(''))
  }
  while (left > 0) {
    const chunk = await source.read(process.signal)
    if (!chunk) return
    let end = 0
    if (bytes) {
      end = Math.min(left, chunk.length)
      left -= end
    } else {
      while (end < chunk.length && left > 0) if (chunk[end++] === 10) left--
    }
    await process.stdout.write(chunk.subarray(0, end))
  }
}

/** `head -5` and `tail -5` are old forms of `-n 5`. */
function modernCount(words: readonly string[]): string[] {
  return words.map((word, index) => (index === 0 && /^-\d+$/.test(word) ? `-n${word.slice(1)}` : word))
}

async function withHeaders(
  process: Process,
  operands: readonly string[],
  quiet: boolean,
  each: (operand: string) => Promise<void>,
): Promise<number> {
  let status = 0
  for (const [index, operand] of (operands.length > 0 ? operands : ['-']).entries()) {
    try {
      if (operand !== '-' && operand !== '/dev/null' && !operand.startsWith('/dev/')) process.files.stat(resolvePath(process.cwd, operand))
      if (operands.length > 1 && !quiet)
        await process.stdout.write(`${index > 0 ? '\n' : ''}==> ${operand === '-' ? 'standard input' : operand} <==\n`)
      await each(operand)
    } catch (error) {
      if (!(error instanceof FileError)) throw error
      const reason = error.code === 'EISDIR' ? `error reading '${operand}'` : `cannot open '${operand}' for reading`
      await process.stderr.write(`${process.argv[0]}: ${reason}: ${error.message}\n`)
      status = 1
    }
  }
  return status
}

export const head = tool('head', async (process) => {
  const { options, operands } = parseOptions(modernCount(process.argv.slice(1)), 'n:c:qv', { lines: 'n:', bytes: 'c:', quiet: 'q' })
  const bytes = options.has('c')
  const text = options.get(bytes ? 'c' : 'n') ?? '10'
  const count = parseCount(text.replace(/^-/, ''), bytes ? 'number of bytes' : 'number of lines') * (text.startsWith('-') ? -1 : 1)
  return withHeaders(process, operands, options.has('q'), (operand) => headOf(process, operand, count, bytes))
})

export const tail = tool('tail', async (process) => {
  const long = { lines: 'n:', bytes: 'c:', follow: 'f?', quiet: 'q', retry: 'F', 'sleep-interval': 's:' }
  const { options, operands } = parseOptions(modernCount(process.argv.slice(1)), 'n:c:fFqvs:', long)
  const bytes = options.has('c')
  const text = options.get(bytes ? 'c' : 'n') ?? '10'
  const fromStart = text.startsWith('+')
  const count = parseCount(text.replace(/^[-+]/, ''), bytes ? 'number of bytes' : 'number of lines')
  const sizes = new Map<string, number>()
  const status = await withHeaders(process, operands, options.has('q'), async (operand) => {
    const all = await readBytes(openSource(process, operand), process.signal)
    sizes.set(operand, all.length)
    await process.stdout.write(lastOf(all, count, bytes, fromStart))
  })
  const follow = options.has('f') || options.has('F')
  if (!follow || [...sizes.keys()].every((operand) => operand === '-')) return status
  const interval = parseDuration(options.get('s') ?? '1') ?? 1000
  let shown = [...sizes.keys()].at(-1)
  for (;;) {
    await process.clock.sleep(interval, process.signal)
    for (const [operand, size] of sizes) {
      const path = resolvePath(process.cwd, operand)
      if (operand === '-' || !process.files.exists(path)) continue
      const now = process.files.stat(path).size
      if (now === size) continue
      if (now < size) await process.stderr.write(`tail: ${operand}: file truncated\n`)
      const added = process.files.read(path).subarray(now < size ? 0 : size)
      if (sizes.size > 1 && shown !== operand && !options.has('q')) await process.stdout.write(`\n==> ${operand} <==\n`)
      shown = operand
      sizes.set(operand, now)
      await process.stdout.write(added)
    }
  }
})

function lastOf(all: Uint8Array, count: number, bytes: boolean, fromStart: boolean): Uint8Array {
  if (bytes) return fromStart ? all.subarray(Math.max(0, count - 1)) : all.subarray(Math.max(0, all.length - count))
  if (fromStart) {
    let at = 0
    for (let line = 1; line < count && at < all.length; ) if (all[at++] === 10) line++
    return all.subarray(at)
  }
  if (count === 0) return new Uint8Array(0)
  let at = all.length
  let lines = 0
  while (at > 0) {
    if (all[at - 1] === 10 && at < all.length && ++lines === count) break
    at--
  }
  return all.subarray(at)
}

export const tee = tool('tee', async (process) => {
  const { options, operands } = parseOptions(process.argv.slice(1), 'ai', { append: 'a' })
  const paths: string[] = []
  let status = 0
  for (const operand of operands) {
    const path = resolvePath(process.cwd, operand)
    try {
      if (!options.has('a') || !process.files.exists(path)) process.files.write(path, '')
      paths.push(path)
    } catch (error) {
      if (!(error instanceof FileError)) throw error
      await process.stderr.write(`tee: ${operand}: ${error.message}\n`)
      status = 1
    }
  }
  for (let chunk = await process.stdin.read(process.signal); chunk; chunk = await process.stdin.read(process.signal)) {
    for (const path of paths) process.files.append(path, chunk)
    await process.stdout.write(chunk)
  }
  return status
})

export const yes = tool('yes', async (process) => {
  const line = `${process.argv.slice(1).join(' ') || 'y'}\n`
  const block = line.repeat(Math.max(1, Math.floor(4096 / line.length)))
  for (let written = 1; ; written++) {
    process.signal.throwIfAborted()
    await process.stdout.write(block)
    // A reader that never waits would keep the host from everything else.
    if (written % 64 === 0) await process.clock.sleep(1, process.signal)
  }
})

export const seq = tool('seq', async (process) => {
  const { options, operands } = parseOptions(
    process.argv.slice(1).map((word) => (/^-[\d.]/.test(word) ? ` ${word}` : word)),
    'ws:f:',
    { separator: 's:', 'equal-width': 'w', format: 'f:' },
  )
  const words = operands.map((word) => word.trim())
  if (words.length === 0) throw new ToolError('missing operand')
  if (words.length > 3) throw new ToolError(`extra operand '${words[3]}'`)
  for (const word of words) if (!/^[-+]?(\d+\.?\d*|\.\d+)$/.test(word)) throw new ToolError(`invalid floating point argument: '${word}'`)
  if (options.has('f')) throw new ToolError('-f is not supported by this seq; use printf')
  const first = words.length > 1 ? Number(words[0]) : 1
  const step = words.length > 2 ? Number(words[1]) : 1
  const last = Number(words.at(-1))
  if (step === 0) throw new ToolError(`invalid Zero increment value: '${words[1]}'`)
  const places = Math.max(...words.slice(0, 2).map((word) => word.split('.')[1]?.length ?? 0))
  const separator = options.get('s') ?? '\n'
  const count = Math.floor((last - first) / step + 1e-9) + 1
  const width = options.has('w') ? Math.max(first.toFixed(places).length, last.toFixed(places).length) : 0
  let block = ''
  for (let index = 0; index < count; index++) {
    const text = (first + index * step).toFixed(places)
    const padded = text.startsWith('-') ? `-${text.slice(1).padStart(width - 1, '0')}` : text.padStart(width, '0')
    block += padded + (index === count - 1 ? '\n' : separator)
    if (block.length < 4096) continue
    await process.stdout.write(block)
    block = ''
    process.signal.throwIfAborted()
  }
  await process.stdout.write(block)
  return 0
})

export const wc = tool('wc', async (process) => {
  const { options, operands } = parseOptions(process.argv.slice(1), 'lwcmL', { lines: 'l', words: 'w', bytes: 'c', chars: 'm' })
  const wanted = ['l', 'w', 'm', 'c', 'L'].filter((letter) => options.has(letter))
  const columns = wanted.length > 0 ? wanted : ['l', 'w', 'c']
  const rows: { counts: number[]; name: string }[] = []
  const status = await forEachSource(process, operands, async (source, name) => {
    const bytes = await readBytes(source, process.signal)
    const text = new TextDecoder().decode(bytes)
    const values: Record<string, number> = {
      l: text.split('\n').length - 1,
      w: text.match(/\S+/g)?.length ?? 0,
      m: [...text].length,
      c: bytes.length,
      L: Math.max(0, ...text.split('\n').map((line) => line.length)),
    }
    rows.push({ counts: columns.map((column) => values[column] as number), name: operands.length > 0 ? name : '' })
  })
  if (rows.length > 1)
    rows.push({ counts: columns.map((_, index) => rows.reduce((sum, row) => sum + (row.counts[index] as number), 0)), name: 'total' })
  const single = columns.length === 1 && rows.length === 1
  // GNU wc: as wide as the total of bytes, at least 7 where a size is not known beforehand.
  const unknown = operands.length === 0 || operands.includes('-')
  const widest = Math.max(...rows.flatMap((row) => row.counts), 0)
  const width = single ? 0 : unknown ? 7 : `${widest}`.length
  for (const { counts, name } of rows) {
    await process.stdout.write(`${counts.map((count) => `${count}`.padStart(width)).join(' ')}${name ? ` ${name}` : ''}\n`)
  }
  return status
})

export const rev = tool('rev', async (process) =>
  forEachSource(process, process.argv.slice(1), async (source) => {
    for await (const lines of lineBatches(source, process.signal))
      await process.stdout.write(lines.map((line) => `${[...line].reverse().join('')}\n`).join(''))
  }),
)

export const tac = tool('tac', async (process) =>
  forEachSource(process, process.argv.slice(1), async (source) => {
    const text = new TextDecoder().decode(await readBytes(source, process.signal))
    await process.stdout.write(
      text
        .split(/(?<=\n)/)
        .reverse()
        .join(''),
    )
  }),
)

export const nl = tool('nl', async (process) => {
  const { options, operands } = parseOptions(process.argv.slice(1), 'b:')
  let number = 0
  return forEachSource(process, operands, async (source) => {
    for await (const lines of lineBatches(source, process.signal)) {
      const numbered = lines.map((line) =>
        line === '' && options.get('b') !== 'a' ? '       \n' : `${`${++number}`.padStart(6)}\t${line}\n`,
      )
      await process.stdout.write(numbered.join(''))
    }
  })
})
