import { sh } from '../shell/shell.ts'

/** One shell under its names, without programmable completion. */
export const shells = { sh, bash: sh, ash: sh }
