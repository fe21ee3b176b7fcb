import xterm from '@xterm/headless'
import { Terminal } from '../../simulator/terminal.ts'
import type { Host } from './host.ts'

/** A terminal with a real emulator on the person's side: keys go in, the visible screen comes out. For tests. */
export function screenOf(columns = 80, rows = 24) {
  const emulator = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true })
  const terminal = new Terminal({ columns, rows }, (bytes) => new Promise((resolve) => emulator.write(bytes, resolve)))
  const encoder = new TextEncoder()
  /** The emulator parses in its own time, and calls back when it is done: a writer that waits for the screen goes on then. */
  const flush = () => new Promise<void>((resolve) => emulator.write('', resolve))
  const settle = async (host: Host, ms: number) => {
    for (let n = 0; n < 4; n++) {
      await host.turn()
      await flush()
    }
    await host.time.pass(ms, host.turn)
    for (let n = 0; n < 2; n++) {
      await host.turn()
      await flush()
    }
  }
  const lines = () => {
    const { buffer } = emulator
    const shown: string[] = []
    for (let row = 0; row < emulator.rows; row++)
      shown.push(
        buffer.active
          .getLine(buffer.active.viewportY + row)
          ?.translateToString(true)
          .trimEnd() ?? '',
      )
    return shown
  }
  return {
    terminal,
    /** Types keys and lets everything that follows from them happen, in `ms` of simulated time. */
    async type(host: Host, keys: string, ms = 5) {
      terminal.input(encoder.encode(keys))
      await settle(host, ms)
    },
    resize(width: number, height: number) {
      emulator.resize(width, height)
      terminal.resize(width, height)
    },
    lines,
    /** The screen without the empty rows at its end. */
    text: () => lines().join('\n').replace(/\n+$/, ''),
    cursor: () => ({ row: emulator.buffer.active.cursorY, column: emulator.buffer.active.cursorX }),
    settle,
  }
}
