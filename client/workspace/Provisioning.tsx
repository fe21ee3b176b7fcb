import { Link } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import type { SessionView, StepView } from '../../protocol/session.ts'
import { Masthead } from '../app/Masthead.tsx'
import { Button } from '../design/Button.tsx'
import { Engine } from '../design/Engine.tsx'
import { Fault } from '../design/Fault.tsx'
import { Icon } from '../design/icons.tsx'
import { Notice } from '../design/Notice.tsx'
import { duration, t } from '../texts/text.ts'
import { useSessionActions } from './actions.tsx'
import './provisioning.css'

interface ProvisioningProps {
  readonly session: SessionView
  readonly onRetry: () => void
  readonly retrying: boolean
}

/** The steps of making the cluster with their times; and, where one failed, why and how to mend it. */
export function Provisioning({ session, onRetry, retrying }: ProvisioningProps) {
  const failed = session.state === 'failed'
  const { actions, dialogs } = useSessionActions(session)
  return (
    <>
      <Masthead />
      <main id="content" className="provisioning" tabIndex={-1}>
        <Engine name={session.engine} />
        <h1>{session.lab.title}</h1>
        <Fault at={30} />
        <p className="provisioning__note" role="status">
          {failed ? t('failure.title') : `${t('provisioning.title')}. ${t(`provisioning.note.${session.engine}`)}`}
        </p>
        <ol className="steps" aria-label={t('provisioning.steps')}>
          {session.steps.map((step) => (
            <Step key={step.name} step={step} />
          ))}
        </ol>
        {session.failure !== undefined && (
          <div role="alert">
            <Notice tone="fail" text={session.failure.message} mend={session.failure.mend} />
          </div>
        )}
        <div className="provisioning__actions">
          {failed && (
            <Button look="primary" aria-disabled={retrying} onClick={() => !retrying && onRetry()}>
              {retrying ? t('catalogue.starting') : t('failure.retry')}
            </Button>
          )}
          {!failed && <Button onClick={actions.end}>{t('provisioning.cancel')}</Button>}
          <Link to="/" className="button button--quiet">
            {t('finish.back')}
          </Link>
        </div>
      </main>
      {dialogs}
    </>
  )
}

function Step({ step }: { readonly step: StepView }) {
  return (
    <li className={`step step--${step.state}`}>
      <span className="step__sign">
        <Icon name={step.state === 'done' ? 'tick' : step.state === 'failed' ? 'cross' : 'ring'} />
        <span className="out-of-sight">{t(`step.${step.state}`)}: </span>
      </span>
      <span>{step.name}</span>
      <span className="step__time">{step.state === 'running' ? <Running since={step.elapsed} /> : duration(step.elapsed)}</span>
    </li>
  )
}

/** Counts on between two words from the server. */
function Running({ since }: { readonly since: number }) {
  const [now, setNow] = useState(since)
  const from = useRef({ since, at: performance.now() })
  useEffect(() => {
    from.current = { since, at: performance.now() }
    const timer = window.setInterval(() => setNow(from.current.since + performance.now() - from.current.at), 100)
    return () => window.clearInterval(timer)
  }, [since])
  return <>{duration(Math.max(now, since))}</>
}
