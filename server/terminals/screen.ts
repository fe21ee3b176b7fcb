import { createRequire } from 'node:module'

// Both are CommonJS without a default export in their types.
const require = createRequire(import.meta.url)
const { Terminal } = require('@xterm/headless') as typeof import('@xterm/headless')
const { SerializeAddon } = require('@xterm/addon-serialize') as typeof import('@xterm/addon-serialize')

/** Lines above the screen that a page gets back after a reload. */
const scrollback = 1000

/** A terminal without a display, kept beside the stream, so that a page which comes late can be given the screen as it is. */
export interface Screen {
  /** Resolves when the bytes are drawn. */
  write(bytes: Uint8Array | string): Promise<void>
  /** Calls back when all that was written until now is drawn, and before anything later is. */
  whenDrawn(callback: () => void): void
  resize(columns: number, rows: number): void
  /** Escape sequences that draw the screen on a cleared terminal. */
  serialise(): string
  /** The same for keeping: without an editor's alternate screen and the modes that it set, as the program behind them will be gone. */
  serialiseForStorage(): string
  close(): void
}

export function openScreen(columns: number, rows: number): Screen {
  const terminal = new Terminal({ cols: columns, rows, scrollback, allowProposedApi: true })
  const serializer = new SerializeAddon()
  // The add-on's types name the browser's Terminal; it needs only what both have.
  terminal.loadAddon(serializer as unknown as Parameters<typeof terminal.loadAddon>[0])
  return {
    write: (bytes) => new Promise((resolve) => terminal.write(bytes, resolve)),
    whenDrawn: (callback) => terminal.write('', callback),
    resize: (nextColumns, nextRows) => terminal.resize(nextColumns, nextRows),
    serialise: () => serializer.serialize(),
    serialiseForStorage: () => serializer.serialize({ excludeAltBuffer: true, excludeModes: true }),
    close: () => terminal.dispose(),
  }
}
