import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useEffect } from 'react'
import { report } from '../app/notices.ts'
import { PlainPage } from '../app/PlainPage.tsx'
import { refused, useLiveSession, useStart } from '../connection/sessions.ts'
import { Button } from '../design/Button.tsx'
import { FinishPage } from '../finish/FinishPage.tsx'
import { t } from '../texts/text.ts'
import { Provisioning } from './Provisioning.tsx'
import { Workspace } from './Workspace.tsx'

/** One session in whatever state it is. */
export default function WorkspacePage() {
  const { session: id } = useParams({ from: '/sessions/$session' })
  const query = useLiveSession(id)
  const navigate = useNavigate()
  const start = useStart((view) => void navigate({ to: '/sessions/$session', params: { session: view.id } }))
  const session = query.data
  const title = session?.lab.title
  useEffect(() => {
    if (title !== undefined) document.title = `${title} · ${t('product.name')}`
  }, [title])

  const back = (
    <Link to="/" className="button button--primary">
      {t('finish.back')}
    </Link>
  )
  if (session === undefined) {
    if (query.isPending) return <PlainPage title={t('workspace.loading')} />
    const refusal = refused(query.error)
    if (refusal.code === 'unknown-session')
      return (
        <PlainPage title={t('session.missing.title')} text={t('session.missing.text')}>
          {back}
        </PlainPage>
      )
    return (
      <PlainPage title={t('session.error.title')} text={refusal.message} mend={refusal.mend} alert>
        <Button look="primary" onClick={() => void query.refetch()}>
          {t('catalogue.retry')}
        </Button>
        <Link to="/" className="button button--plain">
          {t('finish.back')}
        </Link>
      </PlainPage>
    )
  }
  const again = () => start.mutate({ lab: session.lab.id, engine: session.engine }, { onError: report })
  switch (session.state) {
    case 'provisioning':
    case 'failed':
      return <Provisioning session={session} retrying={start.isPending} onRetry={again} />
    case 'ready':
      return <Workspace key={session.id} session={session} />
    case 'finished':
      return <FinishPage session={session} onAgain={again} starting={start.isPending} />
    case 'ended':
      return (
        <PlainPage title={t('session.ended.title')} text={t('session.ended.text')}>
          {back}
        </PlainPage>
      )
  }
}
