import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import type { Cluster } from '../engines/engine.ts'
import { type Joined, SharedTerminal, type Stored, type Viewer } from './shared-terminal.ts'

const size = { columns: 80, rows: 24 }

/** A cluster of which only the terminal exists, driven by the test. */
function stage() {
  let write: (bytes: Uint8Array) => Promise<void> = async () => {}
  let finish: (code: number) => void = () => {}
  const typed: string[] = []
  const sizes: string[] = []
  const cluster = {
    openTerminal: async (_size: unknown, output: typeof write) => {
      write = output
      return {
        input: (bytes: Uint8Array) => typed.push(new TextDecoder().decode(bytes)),
        resize: (columns: number, rows: number) => sizes.push(`${columns}x${rows}`),
        close: () => finish(0),
        exit: new Promise<number>((resolve) => (finish = resolve)),
      }
    },
  } as unknown as Cluster
  return { cluster, typed, sizes, say: (text: string) => write(new TextEncoder().encode(text)), exit: (code: number) => finish(code) }
}

function page() {
  let text = ''
  const exits: number[] = []
  let end = 0
  const viewer: Viewer = {
    output: (offset, bytes) => {
      if (end !== 0) expect(offset).toBe(end)
      end = offset + bytes.length
      text += new TextDecoder().decode(bytes)
    },
    exit: (code) => exits.push(code),
  }
  return { viewer, exits, text: () => text, end: () => end }
}

async function opened(before?: { stored: Stored; note: string }) {
  const scene = stage()
  const stored: Stored[] = []
  const onExit = vi.fn()
  const terminal = await SharedTerminal.open(scene.cluster, size, { before, store: async (each) => void stored.push(each), onExit })
  return { ...scene, terminal, stored, onExit }
}

async function join(terminal: SharedTerminal, id: string, viewer: Viewer, have?: number, at = size): Promise<Joined> {
  let joined: Joined | undefined
  await terminal.join(id, viewer, at, have, (answer) => (joined = answer))
  if (joined === undefined) throw new Error('no answer')
  return joined
}

describe('a shared terminal', () => {
  it('gives a new page the screen, and then the bytes', async () => {
    const { terminal, say } = await opened()
    await say('$ hello\r\n')
    const first = page()
    expect(await join(terminal, 'a', first.viewer)).toEqual({ offset: 9, screen: expect.stringContaining('$ hello') })
    await say('more')
    expect(first.text()).toBe('more')
    terminal.close()
  })

  it('goes on where a page stopped, to the byte', async () => {
    const { terminal, say } = await opened()
    await say('0123456789')
    const late = page()
    expect(await join(terminal, 'a', late.viewer, 4)).toEqual({ offset: 4 })
    expect(late.text()).toBe('456789')
    terminal.close()
  })

  it('gives the screen where the bytes are not kept any more', async () => {
    const { terminal, say } = await opened()
    for (let i = 0; i < 40; i++) await say('x'.repeat(10_000))
    const joined = await join(terminal, 'a', page().viewer, 5)
    expect(joined.offset).toBe(400_000)
    expect(joined.screen).toBeDefined()
    terminal.close()
  })

  it('draws no half character and no half escape sequence', async () => {
    const { terminal, say } = await opened()
    await say('ok \x1b[3')
    const late = page()
    expect((await join(terminal, 'a', late.viewer)).offset).toBe(3)
    await say('1mred')
    expect(late.text()).toBe('\x1b[31mred')
    terminal.close()
  })

  it('leaves the output waiting while a page is behind, and goes on when it has drawn or is gone', async () => {
    const { terminal, say } = await opened()
    const slow = page()
    await join(terminal, 'slow', slow.viewer)
    let written = 0
    const flood = (async () => {
      for (let i = 0; i < 100; i++) {
        await say('x'.repeat(10_000))
        written++
      }
    })()
    await vi.waitFor(() => expect(written).toBe(13))
    await sleep(20)
    expect(written).toBe(13)
    terminal.drawn('slow', slow.end())
    await vi.waitFor(() => expect(written).toBe(27))
    terminal.leave('slow')
    await flood
    expect(written).toBe(100)
    terminal.close()
  })

  it('does not leave one page waiting for another that is frozen, which finds its way back', async () => {
    const { terminal, say } = await opened()
    const frozen = page()
    await join(terminal, 'frozen', frozen.viewer)
    const keen: Viewer = { output: (offset, bytes) => queueMicrotask(() => terminal.drawn('keen', offset + bytes.length)), exit: () => {} }
    await join(terminal, 'keen', keen)
    for (let i = 0; i < 60; i++) await say('x'.repeat(10_000))
    expect(frozen.end()).toBeLessThan(200_000)
    const before = frozen.text().length
    const gaps: number[] = []
    const thawed = vi.spyOn(frozen.viewer, 'output').mockImplementation((offset) => void gaps.push(offset))
    terminal.drawn('frozen', before)
    expect(gaps).toEqual([600_000])
    thawed.mockRestore()
    expect((await join(terminal, 'frozen', frozen.viewer, before)).screen).toBeDefined()
    terminal.close()
  })

  it('types nothing twice', async () => {
    const { terminal, typed } = await opened()
    terminal.input('page', 1, 'a')
    terminal.input('page', 2, 'b')
    terminal.input('page', 2, 'b')
    terminal.input('page', 1, 'a')
    terminal.input('other', 1, 'c')
    expect(typed.join('')).toBe('abc')
    terminal.close()
  })

  it('is as small as the smallest page that shows it', async () => {
    const { terminal, sizes } = await opened()
    await join(terminal, 'a', page().viewer, undefined, { columns: 100, rows: 30 })
    await join(terminal, 'b', page().viewer, undefined, { columns: 70, rows: 40 })
    terminal.leave('b')
    expect(sizes).toEqual(['100x30', '70x30', '100x30'])
    terminal.close()
  })

  it('tells the pages when the shell exits', async () => {
    const { terminal, exit, onExit } = await opened()
    const one = page()
    await join(terminal, 'a', one.viewer)
    exit(3)
    await vi.waitFor(() => expect(one.exits).toEqual([3]))
    expect(onExit).toHaveBeenCalledWith(3)
  })

  it('shows the old screen above a dim line after a restart, whatever the page says it has', async () => {
    const first = await opened()
    await first.say('precious output\r\n')
    await first.terminal.storeNow()
    first.terminal.close()
    const stored = first.stored.at(-1)
    if (stored === undefined) throw new Error('nothing stored')
    const second = await opened({ stored, note: 'restarted' })
    const joined = await join(second.terminal, 'a', page().viewer, 17)
    expect(joined.screen).toMatch(/precious output[\s\S]*\x1b\[2mrestarted/)
    expect(joined.offset).toBeGreaterThan(17)
    second.terminal.close()
  })

  it('starts another shell after a reset without telling the pages that it ended', async () => {
    const { terminal, cluster, onExit } = await opened()
    const one = page()
    await join(terminal, 'a', one.viewer)
    await terminal.restart(cluster, 'reset')
    expect(one.text()).toContain('reset')
    expect(one.exits).toEqual([])
    expect(onExit).not.toHaveBeenCalled()
    terminal.close()
  })
})
