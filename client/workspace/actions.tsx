import { useNavigate } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import type { SessionView } from '../../protocol/session.ts'
import { useEndSession, useSessionAction } from '../connection/sessions.ts'
import { Confirm } from '../design/Confirm.tsx'
import { t } from '../texts/text.ts'
import { progressOf } from './checks.ts'

export interface SessionActions {
  readonly checking: boolean
  readonly check: () => void
  /** Asks first. */
  readonly reset: () => void
  /** Asks first where checks are open. */
  readonly finish: () => void
  /** Asks first. */
  readonly end: () => void
}

/** What can be done with a session, and the questions that go before. */
export function useSessionActions(session: SessionView): { readonly actions: SessionActions; readonly dialogs: ReactNode } {
  const [asking, setAsking] = useState<'reset' | 'finish' | 'end'>()
  const navigate = useNavigate()
  const check = useSessionAction(session.id, 'check')
  const reset = useSessionAction(session.id, 'reset')
  const finish = useSessionAction(session.id, 'finish')
  const end = useEndSession(session.id, () => void navigate({ to: '/' }))
  const { passed, all } = progressOf(session.tasks)
  const close = () => setAsking(undefined)
  return {
    actions: {
      checking: check.isPending,
      check: () => !check.isPending && check.mutate(),
      reset: () => setAsking('reset'),
      finish: () => (passed === all ? finish.mutate() : setAsking('finish')),
      end: () => setAsking('end'),
    },
    dialogs: (
      <>
        <Confirm
          open={asking === 'reset'}
          title={t('session.reset.title')}
          text={t('session.reset.text')}
          action={t('session.reset.action')}
          danger
          onConfirm={() => reset.mutate()}
          onClose={close}
        />
        <Confirm
          open={asking === 'finish'}
          title={t('session.finish.title')}
          text={t('session.finish.text', { open: all - passed, all })}
          action={t('session.finish.action')}
          onConfirm={() => finish.mutate()}
          onClose={close}
        />
        <Confirm
          open={asking === 'end'}
          title={t('session.end.title')}
          text={t('session.end.text')}
          action={t('session.end.action')}
          danger
          onConfirm={() => end.mutate()}
          onClose={close}
        />
      </>
    ),
  }
}
