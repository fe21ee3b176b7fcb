import { Link } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import type { SessionView } from '../../protocol/session.ts'
import { HeaderTools } from '../app/Masthead.tsx'
import { useWireState } from '../connection/wire.ts'
import { Button, IconButton } from '../design/Button.tsx'
import { Engine } from '../design/Engine.tsx'
import { Icon } from '../design/icons.tsx'
import { clock, t } from '../texts/text.ts'
import { elapsed, progressOf } from './checks.ts'
import type { PanelName, Panels } from './panels.ts'

interface WorkspaceHeaderProps {
  readonly session: SessionView
  readonly panels: Panels
  readonly onToggle: (name: PanelName) => void
  readonly onFinish: () => void
}

export function WorkspaceHeader({ session, panels, onToggle, onFinish }: WorkspaceHeaderProps) {
  const state = useWireState()
  const { passed, all } = progressOf(session.tasks)
  return (
    <header className="bar">
      <Link to="/" className="bar__back" aria-label={t('workspace.back')} title={t('workspace.back')}>
        <Icon name="back" />
      </Link>
      <div className="bar__lab">
        <h1 className="bar__title">{session.lab.title}</h1>
        <div className="bar__facts">
          <Engine name={session.engine} />
          <Elapsed session={session} />
          <span className={`wire wire--${state}`} role="status">
            <span className="wire__dot" />
            <span className="wire__name">{t(`connection.${state}`)}</span>
          </span>
        </div>
      </div>
      <div className="bar__panels">
        <PanelToggle name="story" shown={panels.story.shown} onToggle={onToggle} />
        <PanelToggle name="cluster" shown={panels.cluster.shown} onToggle={onToggle} />
      </div>
      <HeaderTools />
      <Button look={all > 0 && passed === all ? 'primary' : 'plain'} onClick={onFinish}>
        {t('session.finish')}
      </Button>
    </header>
  )
}

function PanelToggle({
  name,
  shown,
  onToggle,
}: {
  readonly name: PanelName
  readonly shown: boolean
  readonly onToggle: (name: PanelName) => void
}) {
  return (
    <IconButton
      label={t(shown ? 'panel.hide' : 'panel.show', { name: t(`panel.${name}`) })}
      keys={name === 'story' ? 'Alt+Shift+B' : 'Alt+Shift+J'}
      aria-expanded={shown}
      aria-controls={`panel-${name}`}
      className={shown ? 'panel-toggle panel-toggle--on' : 'panel-toggle'}
      onClick={() => onToggle(name)}
    >
      <Icon name={name === 'story' ? 'panelLeft' : 'panelRight'} />
    </IconButton>
  )
}

function Elapsed({ session }: { readonly session: SessionView }) {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), 1000)
    return () => window.clearInterval(timer)
  }, [])
  return (
    <span className="bar__time" role="timer" aria-label={t('workspace.elapsed')} title={t('workspace.elapsed')}>
      {clock(elapsed(session, now))}
    </span>
  )
}
