/** Which terminals are open and how they stand beside each other. Ids are those of the protocol; names are for people. */
export interface Tabs {
  readonly tabs: readonly Tab[]
  /** What is seen, left to right: one terminal, or two. */
  readonly panes: readonly string[]
  /** Index into `panes`. */
  readonly focused: number
  /** Number of the next terminal; never used twice, for an id that comes back would join an old shell. */
  readonly next: number
}

export interface Tab {
  readonly id: string
  /** Given by hand; otherwise the number speaks. */
  readonly name?: string
  readonly number: number
}

export type TabsAction =
  | { readonly type: 'add' }
  | { readonly type: 'close'; readonly id: string }
  | { readonly type: 'select'; readonly id: string }
  | { readonly type: 'rename'; readonly id: string; readonly name: string }
  | { readonly type: 'split' }
  | { readonly type: 'unsplit' }

export const firstTabs: Tabs = { tabs: [{ id: 'terminal-1', number: 1 }], panes: ['terminal-1'], focused: 0, next: 2 }

export function activeTab(state: Tabs): string | undefined {
  return state.panes[state.focused]
}

export function changeTabs(state: Tabs, action: TabsAction): Tabs {
  switch (action.type) {
    case 'add':
      return shown(added(state), `terminal-${state.next}`)
    case 'select':
      return shown(state, action.id)
    case 'close':
      return closed(state, action.id)
    case 'rename':
      return {
        ...state,
        tabs: state.tabs.map((tab) => (tab.id === action.id ? { ...tab, name: action.name.trim().slice(0, 40) || undefined } : tab)),
      }
    case 'split': {
      if (state.panes.length > 1) return state
      const other = state.tabs.find((tab) => !state.panes.includes(tab.id))
      const ready = other === undefined ? added(state) : state
      const right = other?.id ?? `terminal-${state.next}`
      return { ...ready, panes: [...state.panes, right], focused: state.panes.length }
    }
    case 'unsplit': {
      const active = activeTab(state)
      return active === undefined ? state : { ...state, panes: [active], focused: 0 }
    }
  }
}

function added(state: Tabs): Tabs {
  return { ...state, tabs: [...state.tabs, { id: `terminal-${state.next}`, number: state.next }], next: state.next + 1 }
}

function shown(state: Tabs, id: string): Tabs {
  const already = state.panes.indexOf(id)
  if (already >= 0) return { ...state, focused: already }
  if (state.panes.length === 0) return { ...state, panes: [id], focused: 0 }
  return { ...state, panes: state.panes.map((pane, index) => (index === state.focused ? id : pane)) }
}

function closed(state: Tabs, id: string): Tabs {
  const at = state.tabs.findIndex((tab) => tab.id === id)
  if (at < 0) return state
  const tabs = state.tabs.filter((tab) => tab.id !== id)
  const rest = state.panes.filter((pane) => pane !== id)
  if (rest.length > 0 || tabs.length === 0) return { ...state, tabs, panes: rest, focused: 0 }
  return { ...state, tabs, panes: [tabs[Math.max(0, at - 1)]!.id], focused: 0 }
}

export function isTabs(value: unknown): value is Tabs {
  const state = value as Tabs
  return (
    typeof value === 'object' &&
    value !== null &&
    Array.isArray(state.tabs) &&
    Array.isArray(state.panes) &&
    Number.isInteger(state.next) &&
    state.tabs.every((tab) => typeof tab?.id === 'string' && Number.isInteger(tab.number)) &&
    state.panes.every((pane) => state.tabs.some((tab) => tab.id === pane)) &&
    Number.isInteger(state.focused)
  )
}
