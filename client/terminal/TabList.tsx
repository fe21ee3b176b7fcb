import { type KeyboardEvent, useRef, useState } from 'react'
import { Icon } from '../design/icons.tsx'
import { t } from '../texts/text.ts'
import { tabName, useDesk } from './desk.ts'
import { activeTab, type Tab, type Tabs } from './tabs.ts'

interface TabListProps {
  readonly state: Tabs
  readonly onSelect: (id: string) => void
  readonly onClose: (id: string) => void
  readonly onEnter: () => void
}

/** Arrows move, Enter goes into the terminal, Delete closes, F2 or a double click renames. */
export function TabList({ state, onSelect, onClose, onEnter }: TabListProps) {
  const [renaming, setRenaming] = useState<string>()
  const list = useRef<HTMLDivElement>(null)
  const active = activeTab(state)
  const renamed = state.tabs.find((tab) => tab.id === renaming)

  function pressed(event: KeyboardEvent, tab: Tab, index: number) {
    const moves: Record<string, number> = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: state.tabs.length - 1 }
    const to = moves[event.key]
    if (to !== undefined) {
      const other = state.tabs[(to + state.tabs.length) % state.tabs.length]!
      onSelect(other.id)
      list.current?.querySelector<HTMLElement>(`#tab-${other.id}`)?.focus()
    } else if (event.key === 'Delete') onClose(tab.id)
    else if (event.key === 'F2') setRenaming(tab.id)
    else if (event.key === 'Enter') onEnter()
    else return
    event.preventDefault()
  }

  if (renamed !== undefined) return <Rename tab={renamed} onDone={() => setRenaming(undefined)} />
  if (state.tabs.length === 0) return <span />
  return (
    <div className="tabs" role="tablist" aria-label={t('terminal.tabs')} ref={list}>
      {state.tabs.map((tab, index) => (
        <div
          key={tab.id}
          id={`tab-${tab.id}`}
          role="tab"
          className={state.panes.includes(tab.id) ? 'tab tab--seen' : 'tab'}
          aria-selected={tab.id === active}
          aria-controls={`pane-${tab.id}`}
          tabIndex={tab.id === active ? 0 : -1}
          onClick={() => {
            onSelect(tab.id)
            window.setTimeout(onEnter, 30)
          }}
          onDoubleClick={() => setRenaming(tab.id)}
          onAuxClick={(event) => event.button === 1 && onClose(tab.id)}
          onKeyDown={(event) => pressed(event, tab, index)}
        >
          {tabName(tab)}
          {/* For the pointer only: a tab may hold nothing focusable, and the keyboard has Delete. */}
          <span
            className="tab__close"
            aria-hidden="true"
            title={t('terminal.close.named', { name: tabName(tab) })}
            onClick={(event) => {
              event.stopPropagation()
              onClose(tab.id)
            }}
          >
            <Icon name="close" />
          </span>
        </div>
      ))}
    </div>
  )
}

function Rename({ tab, onDone }: { readonly tab: Tab; readonly onDone: () => void }) {
  const desk = useDesk()
  return (
    <input
      className="tabs__rename"
      aria-label={t('terminal.rename.label')}
      defaultValue={tabName(tab)}
      maxLength={40}
      // biome-ignore lint/a11y/noAutofocus: the person has just asked to type here
      autoFocus
      onFocus={(event) => event.target.select()}
      onBlur={(event) => {
        desk.change({ type: 'rename', id: tab.id, name: event.target.value })
        onDone()
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter') event.currentTarget.blur()
        if (event.key === 'Escape') onDone()
      }}
    />
  )
}
