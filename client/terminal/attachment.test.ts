import { expect, it } from 'vitest'
import { fakeWire } from '../testing/wire.ts'
import { attach, type Screen } from './attachment.ts'

function fakeScreen(): Screen & { text: string; settle(): void } {
  const pending: (() => void)[] = []
  return {
    columns: 80,
    rows: 24,
    text: '',
    write(data, drawn) {
      this.text += typeof data === 'string' ? data : new TextDecoder().decode(data)
      pending.push(drawn)
    },
    clear() {
      this.text = ''
    },
    settle() {
      for (const drawn of pending.splice(0)) drawn()
    },
  }
}

const buffer = (text: string) => new TextEncoder().encode(text).buffer as ArrayBuffer
const quiet = { onPhase() {}, onExit() {}, onRefusal() {}, onFull() {} }

function attached(more: Partial<Parameters<typeof attach>[0]> = {}) {
  const wire = fakeWire()
  const screen = fakeScreen()
  const attachment = attach({ wire, session: 's', terminal: 't', screen, ...quiet, ...more })
  wire.become(true)
  wire.answer('openTerminal', { offset: 0 })
  return { wire, screen, attachment }
}

it('draws what comes for its own terminal only, and acknowledges after drawing', () => {
  const { wire, screen } = attached()
  wire.receive('output', { session: 's', terminal: 'other', offset: 0, data: buffer('no') })
  wire.receive('output', { session: 's', terminal: 't', offset: 0, data: buffer('yes') })
  expect(screen.text).toBe('yes')
  expect(wire.sent('drawn')).toEqual([])
  screen.settle()
  expect(wire.sent('drawn')).toEqual([{ session: 's', terminal: 't', offset: 3 }])
})

it('types across a lost connection without losing or repeating a key', () => {
  const { wire, attachment } = attached()
  attachment.type('a')
  wire.answer('input', { ok: true })
  attachment.type('b')
  wire.become(false)
  attachment.type('c')
  expect(wire.sent('input').map((message) => message.data)).toEqual(['a', 'b'])
  wire.become(true)
  expect(wire.sent('openTerminal').at(-1)).toMatchObject({ have: 0, columns: 80, rows: 24 })
  wire.answer('openTerminal', { offset: 0 })
  expect(wire.sent('input').slice(2)).toEqual([
    { session: 's', terminal: 't', data: 'b', sequence: 2 },
    { session: 's', terminal: 't', data: 'c', sequence: 3 },
  ])
})

it('shows a refusal and opens again when asked', () => {
  const refusals: string[] = []
  const wire = fakeWire()
  const attachment = attach({
    wire,
    session: 's',
    terminal: 't',
    screen: fakeScreen(),
    ...quiet,
    onRefusal: ({ error }) => refusals.push(error.code),
  })
  wire.become(true)
  wire.answer('openTerminal', { error: { code: 'too-many-terminals', message: 'No more terminals.' } })
  expect(refusals).toEqual(['too-many-terminals'])
  attachment.reopen()
  expect(wire.sent('openTerminal')).toHaveLength(2)
})

it('takes no answer and no output after it was let go', () => {
  const { wire, screen, attachment } = attached()
  attachment[Symbol.dispose]()
  wire.receive('output', { session: 's', terminal: 't', offset: 0, data: buffer('late') })
  expect(screen.text).toBe('')
})
