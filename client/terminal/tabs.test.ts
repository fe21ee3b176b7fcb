import { expect, it } from 'vitest'
import { activeTab, changeTabs, firstTabs, isTabs, type TabsAction } from './tabs.ts'

const after = (...actions: TabsAction[]) => actions.reduce(changeTabs, firstTabs)

it('shows a new terminal in the pane that has the focus', () => {
  expect(after({ type: 'split' }, { type: 'add' }).panes).toEqual(['terminal-1', 'terminal-3'])
})

it('splits with a terminal that is not seen, or else with a new one', () => {
  expect(after({ type: 'add' }, { type: 'split' })).toMatchObject({ panes: ['terminal-2', 'terminal-1'], focused: 1, next: 3 })
  expect(after({ type: 'split' })).toMatchObject({ panes: ['terminal-1', 'terminal-2'], focused: 1, next: 3 })
})

it('selecting one that is seen moves the focus to its pane', () => {
  expect(after({ type: 'split' }, { type: 'select', id: 'terminal-1' })).toMatchObject({ panes: ['terminal-1', 'terminal-2'], focused: 0 })
})

it('closing shows the neighbour, leaves the other pane, and may leave nothing', () => {
  expect(activeTab(after({ type: 'add' }, { type: 'close', id: 'terminal-2' }))).toBe('terminal-1')
  expect(after({ type: 'split' }, { type: 'close', id: 'terminal-1' }).panes).toEqual(['terminal-2'])
  expect(activeTab(after({ type: 'close', id: 'terminal-1' }))).toBeUndefined()
})

it('never uses a number twice, since an old number would join an old shell', () => {
  expect(after({ type: 'add' }, { type: 'close', id: 'terminal-2' }, { type: 'add' }).panes).toEqual(['terminal-3'])
})

it('a blank name gives the number back', () => {
  expect(after({ type: 'rename', id: 'terminal-1', name: 'logs' }).tabs[0]!.name).toBe('logs')
  expect(after({ type: 'rename', id: 'terminal-1', name: '  ' }).tabs[0]!.name).toBeUndefined()
})

it('knows what it can remember', () => {
  expect(isTabs(after({ type: 'split' }))).toBe(true)
  expect(isTabs({ ...firstTabs, panes: ['gone'] })).toBe(false)
  expect(isTabs([])).toBe(false)
})
