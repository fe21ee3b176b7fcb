import { expect, it } from 'vitest'
import { findCommands } from './find.ts'
import { matches, opensPalette } from './shortcuts.ts'

const key = (init: KeyboardEventInit) => new KeyboardEvent('keydown', init)

it('matches a letter by its place, since Alt changes what it types', () => {
  expect(matches('Alt+Shift+N', key({ key: '˜', code: 'KeyN', altKey: true, shiftKey: true }))).toBe(true)
  expect(matches('Alt+Shift+N', key({ key: 'n', code: 'KeyN', altKey: true }))).toBe(false)
  expect(matches('Alt+2', key({ key: '2', code: 'Digit2', altKey: true }))).toBe(true)
})

it('leaves Ctrl-K to the shell but takes it elsewhere', () => {
  const control = key({ key: 'k', code: 'KeyK', ctrlKey: true })
  expect(opensPalette(control, true)).toBe(false)
  expect(opensPalette(control, false)).toBe(true)
  expect(opensPalette(key({ key: 'K', code: 'KeyK', ctrlKey: true, shiftKey: true }), true)).toBe(true)
  expect(opensPalette(key({ key: 'k', code: 'KeyK', metaKey: true }), true)).toBe(true)
})

it('finds commands by words in any order, beginnings of words first', () => {
  const all = ['Unsplit panes', 'Split side by side', 'Check now'].map((title) => ({ id: title, title, run() {} }))
  expect(findCommands(all, 'split').map((command) => command.title)).toEqual(['Split side by side', 'Unsplit panes'])
  expect(findCommands(all, 'side split').map((command) => command.title)).toEqual(['Split side by side'])
})
