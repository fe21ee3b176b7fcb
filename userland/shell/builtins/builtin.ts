import type { Shell } from '../state.ts'

/** A command of the shell itself. It writes through the shell's descriptors and may throw `ShellError` and `Unwind`. */
export interface Builtin {
  /** POSIX's special builtins: assignments before them stay. */
  readonly special?: boolean
  readonly bashOnly?: boolean
  run(shell: Shell, argv: readonly string[]): Promise<number>
}

/** Splits leading single-letter options, `allowed` as in getopts without arguments. `bad` is the first that is not allowed. */
export function letters(argv: readonly string[], allowed: string): { flags: Set<string>; rest: string[]; bad?: string } {
  const flags = new Set<string>()
  let index = 1
  for (; index < argv.length; index++) {
    const word = argv[index] as string
    if (word === '--') {
      index++
      break
    }
    if (!/^-[A-Za-z]/.test(word)) break
    for (const letter of word.slice(1)) {
      if (!allowed.includes(letter)) return { flags, rest: argv.slice(index), bad: `-${letter}` }
      flags.add(letter)
    }
  }
  return { flags, rest: argv.slice(index) }
}
