import { createContext, useContext } from 'react'
import { rememberedStore, type Store } from '../app/store.ts'
import { t } from '../texts/text.ts'
import { activeTab, changeTabs, firstTabs, isTabs, type Tab, type Tabs, type TabsAction } from './tabs.ts'

/** What the rest of the page can do with a terminal that is on it. */
export interface TerminalHandle {
  type(text: string): void
  focus(): void
  find(): void
}

/** The terminals of one session: which are open, and a way to reach them. */
export interface Desk {
  readonly tabs: Store<Tabs>
  change(action: TabsAction): void
  /** Types without running; opens a terminal if none is. Answers its name. */
  type(command: string): string
  focus(): void
  find(): void
  /** A terminal announces itself; what was typed before that is typed now. */
  register(id: string, handle: TerminalHandle): () => void
}

export function tabName(tab: Tab): string {
  return tab.name ?? t('terminal.name', { number: tab.number })
}

export function createDesk(session: string): Desk {
  const tabs = rememberedStore<Tabs>(`terminals.${session}`, firstTabs, isTabs)
  const handles = new Map<string, TerminalHandle>()
  const waiting = new Map<string, string>()
  const active = () => {
    if (activeTab(tabs.get()) === undefined) tabs.set(changeTabs(tabs.get(), { type: 'add' }))
    return activeTab(tabs.get())!
  }
  return {
    tabs,
    change: (action) => tabs.set(changeTabs(tabs.get(), action)),
    type(command) {
      const id = active()
      const handle = handles.get(id)
      const text = command.replace(/[\r\n]+/g, ' ')
      if (handle === undefined) waiting.set(id, (waiting.get(id) ?? '') + text)
      handle?.type(text)
      handle?.focus()
      return tabName(tabs.get().tabs.find((tab) => tab.id === id)!)
    },
    focus: () => handles.get(active())?.focus(),
    find: () => handles.get(active())?.find(),
    register(id, handle) {
      handles.set(id, handle)
      const text = waiting.get(id)
      waiting.delete(id)
      if (text !== undefined) {
        handle.type(text)
        handle.focus()
      }
      return () => {
        if (handles.get(id) === handle) handles.delete(id)
      }
    },
  }
}

export const DeskContext = createContext<Desk | undefined>(undefined)

export function useDesk(): Desk {
  const desk = useContext(DeskContext)
  if (desk === undefined) throw new Error('No desk is provided above this component.')
  return desk
}
