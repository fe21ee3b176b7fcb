import type { Command } from '../../simulator/programs/process.ts'
import { sh } from './shell.ts'

/** Shells by name, without programmable completion; `createShell` makes one that has it. */
export const shells: Readonly<Record<string, Command>> = { sh, bash: sh, ash: sh }
