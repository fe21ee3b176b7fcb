import { Menu } from '@base-ui/react/menu'
import { lazy, Suspense, useCallback } from 'react'
import { useStore } from '../app/store.ts'
import { useConnection } from '../connection/wire.ts'
import { Button, IconButton } from '../design/Button.tsx'
import { Icon } from '../design/icons.tsx'
import { type Command, useCommands } from '../palette/commands.ts'
import { keysText } from '../palette/shortcuts.ts'
import { t } from '../texts/text.ts'
import { tabName, useDesk } from './desk.ts'
import { changeFontSize, screenReader } from './settings.ts'
import { TabList } from './TabList.tsx'
import { activeTab } from './tabs.ts'
import './terminal.css'

export const loadTerminal = () => import('./TerminalView.tsx')
const TerminalView = lazy(loadTerminal)

export function TerminalArea({ session }: { readonly session: string }) {
  const desk = useDesk()
  const { wire } = useConnection()
  const state = useStore(desk.tabs)
  const reader = useStore(screenReader)
  const active = activeTab(state)
  const split = state.panes.length > 1

  const close = useCallback(
    (id: string) => {
      if (wire.connected) wire.emit('closeTerminal', { session, terminal: id })
      desk.change({ type: 'close', id })
    },
    [desk, session, wire],
  )
  const withFocus = (change: () => void) => () => {
    change()
    // The new terminal is on the page after the next paint only.
    window.setTimeout(() => desk.focus(), 60)
  }

  const list: Command[] = [
    { id: 'terminal.new', title: t('terminal.new'), keys: 'Alt+Shift+N', run: withFocus(() => desk.change({ type: 'add' })) },
    {
      id: 'terminal.split',
      title: split ? t('terminal.unsplit') : t('terminal.split'),
      keys: 'Alt+Shift+S',
      run: withFocus(() => desk.change({ type: split ? 'unsplit' : 'split' })),
    },
    { id: 'terminal.find', title: t('terminal.search'), keys: 'Ctrl+Shift+F', run: () => desk.find() },
    { id: 'terminal.larger', title: t('terminal.larger'), keys: 'Alt+Shift+ArrowUp', run: () => changeFontSize(1) },
    { id: 'terminal.smaller', title: t('terminal.smaller'), keys: 'Alt+Shift+ArrowDown', run: () => changeFontSize(-1) },
    {
      id: 'terminal.reader',
      title: reader ? t('terminal.screenReader.off') : t('terminal.screenReader.on'),
      run: () => screenReader.set(!screenReader.get()),
    },
    ...(active === undefined
      ? []
      : [{ id: 'terminal.close', title: t('terminal.close'), keys: 'Alt+Shift+W', run: withFocus(() => close(active)) }]),
  ]
  const selections = state.tabs.slice(0, 9).map((tab, index) => ({
    id: `terminal.select.${tab.id}`,
    title: tabName(tab),
    keys: `Alt+${index + 1}`,
    listed: state.tabs.length > 1,
    run: withFocus(() => desk.change({ type: 'select', id: tab.id })),
  }))
  useCommands([...list, ...selections], 'terminal')
  const [add, divide] = list as [Command, Command]

  return (
    <div className="desk">
      <div className="desk__bar">
        <TabList state={state} onSelect={(id) => desk.change({ type: 'select', id })} onClose={close} onEnter={() => desk.focus()} />
        <div className="desk__tools">
          <IconButton small label={add.title} keys={add.keys!} onClick={add.run}>
            <Icon name="plus" />
          </IconButton>
          <IconButton small className="desk__split" label={divide.title} keys={divide.keys!} aria-pressed={split} onClick={divide.run}>
            <Icon name="split" />
          </IconButton>
          <MoreMenu items={list.slice(2)} />
        </div>
      </div>
      <div className={split ? 'desk__panes desk__panes--split' : 'desk__panes'}>
        {state.tabs.map((tab) => {
          const pane = state.panes.indexOf(tab.id)
          return (
            <div
              key={tab.id}
              className="desk__pane"
              id={`pane-${tab.id}`}
              role="tabpanel"
              aria-label={tabName(tab)}
              hidden={pane < 0}
              style={{ order: pane }}
              onFocus={() => pane >= 0 && pane !== state.focused && desk.change({ type: 'select', id: tab.id })}
            >
              <Suspense fallback={<p className="desk__loading">{t('terminal.loading')}</p>}>
                <TerminalView session={session} id={tab.id} name={tabName(tab)} focused={split && pane === state.focused} />
              </Suspense>
            </div>
          )
        })}
        {state.tabs.length === 0 && (
          <div className="desk__empty">
            <p>{t('terminal.empty')}</p>
            <Button look="primary" onClick={add.run}>
              {add.title}
            </Button>
          </div>
        )}
      </div>
    </div>
  )
}

function MoreMenu({ items }: { readonly items: readonly Command[] }) {
  return (
    <Menu.Root>
      <Menu.Trigger
        render={
          <IconButton small label={t('terminal.more')}>
            <Icon name="more" />
          </IconButton>
        }
      />
      <Menu.Portal>
        <Menu.Positioner className="menu__place" sideOffset={4} align="end">
          <Menu.Popup className="menu">
            {items.map((item) => (
              <Menu.Item key={item.id} className="menu__item" onClick={item.run}>
                {item.title}
                {item.keys !== undefined && <span className="menu__keys">{keysText(item.keys)}</span>}
              </Menu.Item>
            ))}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  )
}
