import { Link } from '@tanstack/react-router'
import type { SessionView } from '../../protocol/session.ts'
import { Masthead } from '../app/Masthead.tsx'
import { Button } from '../design/Button.tsx'
import { Fault } from '../design/Fault.tsx'
import { clock, t } from '../texts/text.ts'
import { elapsed, progressOf } from '../workspace/checks.ts'
import { Prose } from '../workspace/Prose.tsx'
import { Check } from '../workspace/Tasks.tsx'
import '../workspace/workspace.css'
import './finish.css'

interface FinishPageProps {
  readonly session: SessionView
  readonly onAgain: () => void
  readonly starting: boolean
}

export function FinishPage({ session, onAgain, starting }: FinishPageProps) {
  const { passed, all } = progressOf(session.tasks)
  const { earned, possible, hintCost } = session.score
  const solved = passed === all
  return (
    <>
      <Masthead />
      <main id="content" className="finish" tabIndex={-1}>
        <p className="finish__lab">{session.lab.title}</p>
        <h1>{t(solved ? 'finish.title.solved' : 'finish.title.partly')}</h1>
        <Fault gap={all === 0 ? 0 : 1 - passed / all} at={38} />
        <dl className="result">
          <div className="result__main">
            <dt>{t('finish.score')}</dt>
            <dd>
              {earned}
              <small> / {possible}</small>
            </dd>
          </div>
          <div>
            <dt>{t('finish.time')}</dt>
            <dd>{clock(elapsed(session, Date.now()))}</dd>
            <dd className="result__note">{t('finish.time.planned', { minutes: session.lab.minutes })}</dd>
          </div>
          <div>
            <dt>{t('finish.checks')}</dt>
            <dd>
              {passed}
              <small> / {all}</small>
            </dd>
          </div>
          <div>
            <dt>{t('finish.hints')}</dt>
            <dd>{session.hints.length}</dd>
            <dd className="result__note">{hintCost > 0 ? t('finish.hints.cost', { cost: hintCost }) : t('finish.hints.none')}</dd>
          </div>
        </dl>
        <div className="finish__body">
          <section aria-labelledby="debrief-title">
            <h2 id="debrief-title">{t('finish.debrief')}</h2>
            {session.debrief === undefined ? <p>{t('finish.nodebrief')}</p> : <Prose text={session.debrief} />}
          </section>
          <section className="finish__tasks" aria-labelledby="checked-title">
            <h2 id="checked-title">{t('finish.tasks')}</h2>
            {session.tasks.map((task) => (
              <div key={task.id} className="task">
                <h3 className="task__title">{task.title}</h3>
                <ul>
                  {task.checks.map((check) => (
                    <Check key={check.id} check={check} />
                  ))}
                </ul>
              </div>
            ))}
          </section>
        </div>
        <div className="finish__actions">
          <Link to="/" className="button button--primary">
            {t('finish.back')}
          </Link>
          <Button aria-disabled={starting} onClick={() => !starting && onAgain()}>
            {t('finish.again')}
          </Button>
        </div>
      </main>
    </>
  )
}
