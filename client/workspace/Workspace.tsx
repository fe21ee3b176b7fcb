import { useNavigate } from '@tanstack/react-router'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { SessionView } from '../../protocol/session.ts'
import { announce } from '../app/announcements.ts'
import { rememberedStore, useStore } from '../app/store.ts'
import { useNarrow } from '../app/theme.ts'
import { useWireState } from '../connection/wire.ts'
import { Icon, type IconName } from '../design/icons.tsx'
import { useCommands } from '../palette/commands.ts'
import { createDesk, DeskContext } from '../terminal/desk.ts'
import { TerminalArea } from '../terminal/TerminalArea.tsx'
import { t } from '../texts/text.ts'
import { useSessionActions } from './actions.tsx'
import { ClusterPanel } from './ClusterPanel.tsx'
import { checkAnnouncements, progressOf } from './checks.ts'
import { firstPanels, isPanels, type PanelName, resized, toggled } from './panels.ts'
import { Separator } from './Separator.tsx'
import { StoryPanel } from './StoryPanel.tsx'
import { ProgressStrip } from './Tasks.tsx'
import { WorkspaceHeader } from './WorkspaceHeader.tsx'
import './workspace.css'

type Region = PanelName | 'terminal'
const regions: readonly Region[] = ['story', 'terminal', 'cluster']
const icons: Record<Region, IconName> = { story: 'panelLeft', terminal: 'command', cluster: 'panelRight' }

const panelStore = rememberedStore('panels', firstPanels(window.innerWidth), isPanels)

export function Workspace({ session }: { readonly session: SessionView }) {
  const desk = useMemo(() => createDesk(session.id), [session.id])
  const panels = useStore(panelStore)
  const narrow = useNarrow()
  const [tab, setTab] = useState<Region>('story')
  const { actions, dialogs } = useSessionActions(session)
  const navigate = useNavigate()
  useCheckAnnouncements(session)
  const lost = useLostConnection()

  const shown = (name: Region) => (narrow ? tab === name : name === 'terminal' || panels[name].shown)
  const toggle = (name: PanelName) => panelStore.set(toggled(panelStore.get(), name))

  function go(name: Region) {
    if (narrow) setTab(name)
    else if (name !== 'terminal' && !panels[name].shown) toggle(name)
    window.setTimeout(() => (name === 'terminal' ? desk.focus() : document.getElementById(`panel-${name}`)?.focus()), 30)
  }

  function send(command: string) {
    if (narrow) setTab('terminal')
    announce(t('story.command.sent', { terminal: desk.type(command) }))
  }

  useCommands([
    { id: 'session.check', title: t('session.check'), run: actions.check },
    { id: 'session.finish', title: t('session.finish'), run: actions.finish },
    { id: 'focus.terminal', title: t('palette.focus.terminal'), keys: 'Alt+Shift+T', run: () => go('terminal') },
    { id: 'focus.story', title: t('palette.focus.story'), keys: 'Alt+Shift+L', run: () => go('story') },
    { id: 'focus.cluster', title: t('palette.focus.cluster'), keys: 'Alt+Shift+C', run: () => go('cluster') },
    { id: 'toggle.story', title: t('palette.toggle.story'), keys: 'Alt+Shift+B', run: () => toggle('story') },
    { id: 'toggle.cluster', title: t('palette.toggle.cluster'), keys: 'Alt+Shift+J', run: () => toggle('cluster') },
    { id: 'session.reset', title: t('session.reset'), run: actions.reset },
    { id: 'session.end', title: t('session.end'), run: actions.end },
    { id: 'go.catalogue', title: t('palette.go.catalogue'), run: () => void navigate({ to: '/' }) },
  ])

  const { passed, all } = progressOf(session.tasks)
  return (
    <DeskContext value={desk}>
      <div className="workspace">
        <WorkspaceHeader onFinish={actions.finish} session={session} panels={panels} onToggle={toggle} />
        {lost && (
          <p className="lost" role="status">
            <Icon name="unplugged" />
            {t('offline.banner')}
          </p>
        )}
        <main className="workspace__panels" id="content" tabIndex={-1}>
          <div className="panel--story" hidden={!shown('story')} style={narrow ? undefined : { width: panels.story.width }}>
            <ProgressStrip session={session} />
            <section className="panel panel__scroll" id="panel-story" aria-label={t('panel.story.label')} tabIndex={-1}>
              <StoryPanel session={session} onSend={send} onFinish={actions.finish} />
            </section>
          </div>
          {!narrow && panels.story.shown && (
            <Separator
              name="story"
              width={panels.story.width}
              onWidth={(width) => panelStore.set(resized(panelStore.get(), 'story', width))}
              onToggle={() => toggle('story')}
            />
          )}
          <section className="panel panel--terminal" id="panel-terminal" aria-label={t('panel.terminal.label')} hidden={!shown('terminal')}>
            <TerminalArea session={session.id} />
          </section>
          {!narrow && panels.cluster.shown && (
            <Separator
              name="cluster"
              width={panels.cluster.width}
              onWidth={(width) => panelStore.set(resized(panelStore.get(), 'cluster', width))}
              onToggle={() => toggle('cluster')}
            />
          )}
          <section
            className="panel panel--cluster"
            id="panel-cluster"
            aria-label={t('panel.cluster.label')}
            tabIndex={-1}
            hidden={!shown('cluster')}
            style={narrow ? undefined : { width: panels.cluster.width }}
          >
            <ClusterPanel session={session} actions={actions} />
          </section>
        </main>
        {narrow && (
          <nav className="switch" aria-label={t('workspace.panels')}>
            {regions.map((name) => (
              <button key={name} type="button" aria-current={tab === name} className="switch__item" onClick={() => setTab(name)}>
                <Icon name={icons[name]} />
                {t(`panel.${name}`)}
                {name === 'story' && all > 0 && (
                  <span className="switch__count">
                    {passed}/{all}
                  </span>
                )}
              </button>
            ))}
          </nav>
        )}
        {dialogs}
      </div>
    </DeskContext>
  )
}

function useCheckAnnouncements({ tasks }: SessionView) {
  const before = useRef(tasks)
  useEffect(() => {
    const sentences = checkAnnouncements(before.current, tasks)
    before.current = tasks
    if (sentences.length > 0) announce(sentences.join(' '))
  }, [tasks])
}

/** True once the connection has been gone for longer than a blink; the way back is announced. */
function useLostConnection(): boolean {
  const state = useWireState()
  const [lost, setLost] = useState(false)
  useEffect(() => {
    if (state === 'online') {
      if (lost) announce(t('online.again'))
      setLost(false)
      return
    }
    const timer = window.setTimeout(() => setLost(true), 700)
    return () => window.clearTimeout(timer)
  }, [state, lost])
  return lost
}
