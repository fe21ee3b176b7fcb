import type { SessionView } from '../../protocol/session.ts'
import { kubeconfigPath } from '../connection/sessions.ts'
import { Button } from '../design/Button.tsx'
import { Engine } from '../design/Engine.tsx'
import { Icon } from '../design/icons.tsx'
import { CopyButton } from '../markdown/Code.tsx'
import { t } from '../texts/text.ts'
import type { SessionActions } from './actions.tsx'

interface ClusterPanelProps {
  readonly session: SessionView
  readonly actions: SessionActions
}

export function ClusterPanel({ session, actions }: ClusterPanelProps) {
  const { nodes, cni, kubernetes } = session.cluster
  return (
    <>
      <section aria-labelledby="cluster-title">
        <h2 id="cluster-title" className="panel-title">
          {t('cluster.title')}
        </h2>
        <div className="engine-note">
          <Engine name={session.engine} />
          <p>{t(`engine.${session.engine}.meaning`)}</p>
        </div>
        <dl className="facts">
          <dt>{t('cluster.nodes')}</dt>
          <dd>{nodes}</dd>
          <dt>{t('cluster.cni')}</dt>
          <dd>{cni}</dd>
          <dt>{t('cluster.kubernetes')}</dt>
          <dd>{kubernetes.replace(/^v?/, 'v')}</dd>
        </dl>
      </section>
      <section aria-labelledby="session-title">
        <h2 id="session-title" className="panel-title">
          {t('session.title')}
        </h2>
        <div className="session-actions">
          <Button wide aria-disabled={actions.checking} onClick={actions.check}>
            {actions.checking ? t('session.checking') : t('session.check')}
          </Button>
          <p className="session-actions__note">{t('session.check.note')}</p>
          <Button wide onClick={actions.reset}>
            {t('session.reset')}
          </Button>
          <Button wide look="danger" onClick={actions.end}>
            {t('session.end')}
          </Button>
        </div>
      </section>
      <section aria-labelledby="own-title">
        <h2 id="own-title" className="panel-title">
          {t('cluster.own.title')}
        </h2>
        <p className="panel-text">{t('cluster.own.text')}</p>
        <pre className="own-lines">{kubeconfigLines(session)}</pre>
        <div className="own-actions">
          <CopyButton text={kubeconfigLines(session)} label={t('cluster.kubeconfig.copy')} />
          <a className="code__button" href={kubeconfigPath(session.id)} download={kubeconfigFile(session)}>
            <Icon name="download" />
            {t('cluster.kubeconfig.download')}
          </a>
        </div>
      </section>
    </>
  )
}

/** The name that the server gives the download. */
export function kubeconfigFile(session: Pick<SessionView, 'id'>): string {
  return `faultline-${session.id}.kubeconfig.yaml`
}

/** Fetches the kubeconfig by name, since where a browser saves a download is not known. */
export function kubeconfigLines(session: Pick<SessionView, 'id'>): string {
  const file = kubeconfigFile(session)
  return `curl -fsSo ${file} ${window.location.origin}${kubeconfigPath(session.id)}\nexport KUBECONFIG=$PWD/${file}`
}
