import { readText } from '../posix/lines.ts'
import { openSource, parseOptions, ToolError, tool } from '../posix/tool.ts'
import { runChild } from './system.ts'

/** Words as xargs splits them: by blanks, with quotes and backslashes. Throws `ToolError`. */
function splitWords(text: string): string[] {
  const words: string[] = []
  let word: string | undefined
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string
    if (char === '"' || char === "'") {
      const end = text.indexOf(char, at + 1)
      if (end < 0)
        throw new ToolError(
          `unmatched ${char === '"' ? 'double' : 'single'} quote; by default quotes are special to xargs unless you use the -0 option`,
        )
      word = (word ?? '') + text.slice(at + 1, end)
      at = end
    } else if (char === '\\') word = (word ?? '') + (text[++at] ?? '')
    else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + char
  }
  if (word !== undefined) words.push(word)
  return words
}

export const xargs = tool('xargs', async (process) => {
  const long = {
    null: '0',
    'max-args': 'n:',
    replace: 'I:',
    'no-run-if-empty': 'r',
    verbose: 't',
    'max-lines': 'L:',
    'max-procs': 'P:',
    delimiter: 'd:',
    'arg-file': 'a:',
  }
  const { options, operands } = parseOptions(process.argv.slice(1), '+0n:I:rtL:P:d:a:i', long)
  if (options.has('P')) throw new ToolError('-P is not supported: commands run one after the other')
  const text = await readText(openSource(process, options.get('a') ?? '-'), process.signal)
  const command = operands.length > 0 ? operands : ['echo']
  const replace = options.get('I')
  const delimiter = options.has('0') ? '\0' : options.get('d')?.replace('\\n', '\n').replace('\\t', '\t')
  const items =
    delimiter !== undefined
      ? text.split(delimiter).filter((item, index, all) => item !== '' || index < all.length - 1)
      : replace !== undefined || options.has('L')
        ? text
            .split('\n')
            .map((line) => line.trimStart())
            .filter((line) => line !== '')
        : splitWords(text)
  const size = replace !== undefined ? 1 : Number(options.get('n') ?? options.get('L') ?? '0') || Math.max(1, items.length)
  const batches: string[][] = []
  for (let at = 0; at < items.length; at += size) batches.push(items.slice(at, at + size))
  if (batches.length === 0 && !options.has('r') && replace === undefined) batches.push([])
  let status = 0
  for (const batch of batches) {
    const words = options.has('L') && replace === undefined ? batch.flatMap(splitWords) : batch
    const argv = replace === undefined ? [...command, ...words] : command.map((part) => part.replaceAll(replace, words[0] as string))
    if (options.has('t')) await process.stderr.write(`${argv.join(' ')}\n`)
    const code = await runChild(process, argv, { stdin: { read: async () => undefined } })
    if (code === 127) {
      if (!process.commands().includes(argv[0] as string)) throw new ToolError(`${argv[0]}: No such file or directory`, 127)
      return 127
    }
    if (code === 255) throw new ToolError(`${argv[0]}: exited with status 255; aborting`, 124)
    if (code !== 0) status = 123
  }
  return status
})
