import type { Command } from '../../simulator/programs/process.ts'
import { nano } from './nano.ts'
import { vi } from './vi.ts'

/** Editors by name. `editor` is what Debian's alternatives give: nano. */
export const editors: Readonly<Record<string, Command>> = { editor: nano, nano, pico: nano, vi, vim: vi }
