import xterm from '@xterm/headless'
import { Terminal } from '../../simulator/terminal.ts'
import type { Host } from './host.ts'

/** A terminal with a real emulator on the person's side: keys go in, the visible screen comes out. For tests. */
export function screenOf(columns = 80, rows = 24) {
  const emulator = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true })
  const terminal = new Terminal({ columns, rows }, (bytes) => new Promise((resolve) => emulator.write(bytes, resolve)))
  const encoder = new TextEncoder()
  const lines = () => {
    const { buffer } = emulator
    const shown: string[] = []
    for (let row = 0; row < emulator.rows; row++) shown.push(buffer.active.getLine(buffer.active.viewportY + row)?.translateToString(true).trimEnd() ?? '')
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

async function settle(host: Host, ms: number): Promise<void> {
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
  for (let n = 0; n < 6; n++) await turn()
  await host.time.pass(ms, turn)
  // The emulator parses in a timer of its own.
  await new Promise<void>((resolve) => setTimeout(resolve, 12))
}
