import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { acknowledgeEvery, closedLink, type Link, type LinkEffect, type LinkEvent, partLimit, step, typedLimit } from './link.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

function run(events: readonly LinkEvent[], from: Link = closedLink): { link: Link; effects: LinkEffect[] } {
  const effects: LinkEffect[] = []
  let link = from
  for (const event of events) {
    const [next, more] = step(link, event)
    link = next
    effects.push(...more)
  }
  return { link, effects }
}

const written = (effects: readonly LinkEffect[]) =>
  effects
    .map((effect) =>
      effect.type === 'write' ? (typeof effect.data === 'string' ? effect.data : new TextDecoder().decode(effect.data)) : '',
    )
    .join('')

const open = run([{ type: 'connected' }, { type: 'opened', result: { offset: 0 } }]).link

describe('opening', () => {
  it('asks for everything the first time, and afterwards only for what it misses', () => {
    expect(run([{ type: 'connected' }]).effects).toEqual([{ type: 'open', have: undefined }])
    const { effects } = run([{ type: 'output', offset: 0, data: bytes('hello') }, { type: 'disconnected' }, { type: 'connected' }], open)
    expect(effects.at(-1)).toEqual({ type: 'open', have: 5 })
  })

  it('draws a restored screen on a cleared terminal and goes on from its offset', () => {
    const { link, effects } = run([
      { type: 'connected' },
      { type: 'opened', result: { offset: 900, screen: '$ ' } },
      { type: 'output', offset: 900, data: bytes('ls') },
    ])
    expect(effects.slice(1, 3)).toMatchObject([{ type: 'clear' }, { type: 'write', data: '$ ', upTo: 900 }])
    expect(written(effects)).toBe('$ ls')
    expect(link.received).toBe(902)
  })

  it('clears when the server goes on from elsewhere without a screen: that terminal is a new one', () => {
    const { link, effects } = run(
      [
        { type: 'output', offset: 0, data: bytes('old shell') },
        { type: 'disconnected' },
        { type: 'connected' },
        { type: 'opened', result: { offset: 0 } },
        { type: 'output', offset: 0, data: bytes('new') },
      ],
      open,
    )
    expect(effects).toContainEqual({ type: 'clear' })
    expect(written(effects)).toBe('old shellnew')
    expect(link.received).toBe(3)
  })

  it('keeps output that comes before the answer', () => {
    const { effects } = run([
      { type: 'connected' },
      { type: 'output', offset: 0, data: bytes('abc') },
      { type: 'opened', result: { offset: 0 } },
      { type: 'output', offset: 3, data: bytes('def') },
    ])
    expect(written(effects)).toBe('abcdef')
  })
})

describe('output', () => {
  it('draws no byte twice and asks again where bytes are missing', () => {
    const { effects } = run(
      [
        { type: 'output', offset: 0, data: bytes('abcd') },
        { type: 'output', offset: 2, data: bytes('cdef') },
        { type: 'output', offset: 9, data: bytes('xyz') },
      ],
      open,
    )
    expect(written(effects)).toBe('abcdef')
    expect(effects.at(-1)).toEqual({ type: 'open', have: 6 })
  })

  it('draws exactly the stream, whatever is cut off, repeated or lost on the way', () => {
    const all = 'The quick brown fox jumps over the lazy dog, twice, and looks back.'
    fc.assert(
      fc.property(
        fc.array(fc.record({ at: fc.nat(all.length - 1), length: fc.integer({ min: 1, max: 30 }), cut: fc.boolean() })),
        (pieces) => {
          let state = { link: open, effects: [] as LinkEffect[] }
          const take = (event: LinkEvent) => {
            const next = run([event], state.link)
            state = { link: next.link, effects: [...state.effects, ...next.effects] }
            // A server that has everything answers every opening where the page stands.
            if (state.link.phase === 'opening') take({ type: 'opened', result: { offset: state.link.received ?? 0 } })
          }
          for (const { at, length, cut } of pieces) {
            if (cut) {
              take({ type: 'disconnected' })
              take({ type: 'connected' })
            }
            take({ type: 'output', offset: at, data: bytes(all.slice(at, at + length)) })
          }
          take({ type: 'output', offset: 0, data: bytes(all) })
          expect(written(state.effects)).toBe(all)
          expect(state.effects).not.toContainEqual({ type: 'clear' })
        },
      ),
    )
  })
})

describe('acknowledgement', () => {
  const flood: LinkEvent[] = [{ type: 'output', offset: 0, data: new Uint8Array(3 * acknowledgeEvery) }]

  it('waits for the watermark while there is more to draw, and tells at once when all is drawn', () => {
    const { link } = run(flood, open)
    const drawn = (upTo: number): LinkEvent => ({ type: 'drawn', epoch: link.epoch, upTo })
    expect(run([drawn(10)], link).effects).toEqual([])
    expect(run([drawn(10), drawn(acknowledgeEvery)], link).effects).toEqual([{ type: 'acknowledge', offset: acknowledgeEvery }])
    expect(run([drawn(3 * acknowledgeEvery)], link).effects).toEqual([{ type: 'acknowledge', offset: 3 * acknowledgeEvery }])
  })

  it('ignores what was drawn before the screen was cleared', () => {
    const before = run(flood, open).link
    const { link } = run([{ type: 'disconnected' }, { type: 'connected' }, { type: 'opened', result: { offset: 7, screen: '$ ' } }], before)
    expect(run([{ type: 'drawn', epoch: before.epoch, upTo: 3 * acknowledgeEvery }], link).effects).toEqual([])
    expect(run([{ type: 'drawn', epoch: link.epoch, upTo: 7 }], link).effects).toEqual([{ type: 'acknowledge', offset: 7 }])
  })
})

describe('typing', () => {
  it('numbers what is typed and sends it again, under the same number, until it is confirmed', () => {
    const { link, effects } = run(
      [
        { type: 'typed', data: 'a' },
        { type: 'typed', data: 'b' },
        { type: 'confirmed', sequence: 1 },
      ],
      open,
    )
    expect(effects).toEqual([
      { type: 'send', sequence: 1, data: 'a' },
      { type: 'send', sequence: 2, data: 'b' },
    ])
    const again = run([{ type: 'disconnected' }, { type: 'connected' }, { type: 'opened', result: { offset: 0 } }], link)
    expect(again.effects.filter((effect) => effect.type === 'send')).toEqual([{ type: 'send', sequence: 2, data: 'b' }])
  })

  it('gathers what is typed offline and sends it in order when the terminal is there', () => {
    const { effects } = run(
      [
        { type: 'typed', data: 'x' },
        { type: 'disconnected' },
        { type: 'typed', data: 'l' },
        { type: 'typed', data: 's' },
        { type: 'connected' },
        { type: 'opened', result: { offset: 0 } },
      ],
      open,
    )
    expect(effects.filter((effect) => effect.type === 'send').slice(1)).toEqual([
      { type: 'send', sequence: 1, data: 'x' },
      { type: 'send', sequence: 2, data: 'ls' },
    ])
  })

  it('sends a long paste in parts, in order, and cuts no character in two', () => {
    const paste = 'x' + '\u{1f600}'.repeat(partLimit)
    const { effects } = run([{ type: 'typed', data: paste }], open)
    const parts = effects.flatMap((effect) => (effect.type === 'send' ? [effect] : []))
    expect(parts.map((part) => part.sequence)).toEqual([1, 2, 3])
    expect(parts.map((part) => part.data).join('')).toBe(paste)
    for (const part of parts) {
      expect(part.data.length).toBeLessThanOrEqual(partLimit)
      expect(new TextDecoder().decode(bytes(part.data))).toBe(part.data)
    }
  })

  it('takes no more than the limit, and says so', () => {
    const { link } = run([{ type: 'disconnected' }, { type: 'typed', data: 'x'.repeat(typedLimit) }], open)
    expect(run([{ type: 'typed', data: 'y' }], link).effects).toEqual([{ type: 'full' }])
  })

  it('after the shell has ended drops what was meant for it, and Enter opens a new one', () => {
    const { link } = run(
      [
        { type: 'typed', data: 'rm' },
        { type: 'exited', code: 0 },
      ],
      open,
    )
    expect(run([{ type: 'typed', data: 'q' }], link).effects).toEqual([])
    const fresh = run(
      [
        { type: 'typed', data: '\r' },
        { type: 'opened', result: { offset: 0 } },
      ],
      link,
    )
    expect(fresh.effects).toEqual([{ type: 'open', have: undefined }])
    expect(fresh.link.phase).toBe('open')
  })
})
