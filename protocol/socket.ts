import type { Refusal } from './errors.ts'
import type { SessionView } from './session.ts'

/**
 * socket.io events. Byte offsets count a terminal's output from its opening; they let a page that comes back ask for exactly
 * what it misses, and let the server stop reading while the page is behind.
 */
export interface ClientEvents {
  /** Follows a session; the answer is its present state, later changes come as `session`. */
  follow(message: { session: string }, answer: (result: SessionView | Refusal) => void): void
  /**
   * Opens a terminal of a session, or joins it where `terminal` names one that is running.
   * `have`: how many bytes of it this page has already drawn; the server goes on from there where it still can, and
   * otherwise answers `screen`, a serialised screen (with scrollback) to draw on a cleared terminal, and goes on from `offset`.
   */
  openTerminal(
    message: { session: string; terminal: string; columns: number; rows: number; have?: number },
    answer: (result: TerminalOpened | Refusal) => void,
  ): void
  /** UTF-8 text from the keyboard; `sequence` counts up per terminal and page, so that a repeat after a reconnect is not typed twice. */
  input(
    message: { session: string; terminal: string; data: string; sequence: number },
    answer?: (result: { ok: true } | Refusal) => void,
  ): void
  resize(message: { session: string; terminal: string; columns: number; rows: number }): void
  /** The page has drawn all bytes up to `offset`. */
  drawn(message: { session: string; terminal: string; offset: number }): void
  closeTerminal(message: { session: string; terminal: string }): void
}

export interface TerminalOpened {
  readonly offset: number
  readonly screen?: string
}

export interface ServerEvents {
  session(view: SessionView): void
  /** `offset` is that of the first byte. */
  output(message: { session: string; terminal: string; offset: number; data: ArrayBuffer }): void
  terminalExit(message: { session: string; terminal: string; code: number }): void
  /** Something the server wants the person to know: a bad message, a full disk. */
  problem(message: Refusal): void
}
