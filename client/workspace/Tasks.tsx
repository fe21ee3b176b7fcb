import { useState } from 'react'
import type { CheckView, SessionView } from '../../protocol/session.ts'
import { Fault } from '../design/Fault.tsx'
import { Icon, type IconName } from '../design/icons.tsx'
import { duration, t } from '../texts/text.ts'
import { progressOf } from './checks.ts'

const signs: Record<CheckView['state'], IconName> = { pending: 'ring', passed: 'tick', failed: 'cross', unknown: 'question' }

interface TasksProps {
  readonly session: Pick<SessionView, 'tasks' | 'score'>
}

/** Stays in sight above the story: how far the repair is, and the way to the tasks. */
export function ProgressStrip({ session }: TasksProps) {
  const { passed, all } = progressOf(session.tasks)
  const { earned, possible } = session.score
  return (
    <button type="button" className="progress" onClick={() => document.getElementById('tasks-title')?.scrollIntoView({ block: 'center' })}>
      <span className="progress__row">
        <span className="progress__checks">{t('tasks.progress', { passed, all })}</span>
        <span>{t('tasks.score', { earned, possible })}</span>
      </span>
      <Fault gap={all === 0 ? 1 : 1 - passed / all} at={68} />
    </button>
  )
}

export function Tasks({ session }: TasksProps) {
  const { hintCost } = session.score
  return (
    <section className="tasks" aria-labelledby="tasks-title">
      <div className="section-head">
        <h2 id="tasks-title">{t('tasks.title')}</h2>
        {hintCost > 0 && <span className="section-head__note">{t('tasks.hintCost', { cost: `−${hintCost}` })}</span>}
      </div>
      <ol className="tasks__list">
        {session.tasks.map((task) => (
          <li key={task.id} className="task">
            <h3 className="task__title">
              {task.title}
              <span className="task__points">{t('tasks.points', { points: task.points })}</span>
            </h3>
            <ul>
              {task.checks.map((check) => (
                <Check key={check.id} check={check} />
              ))}
            </ul>
          </li>
        ))}
      </ol>
    </section>
  )
}

export function Check({ check }: { readonly check: CheckView }) {
  // What fails is what a person needs to read; what holds says so in one line. Either can be changed by hand.
  const [chosen, setChosen] = useState<boolean>()
  const open = chosen ?? (check.state === 'failed' || check.state === 'unknown')
  const { evidence } = check
  return (
    <li className={`check check--${check.state}`}>
      <span className="check__sign" key={check.state}>
        <Icon name={signs[check.state]} />
        <span className="out-of-sight">{t(`check.state.${check.state}`)}: </span>
      </span>
      <div className="check__body">
        {evidence === undefined ? (
          <p className="check__title">{check.title}</p>
        ) : (
          <button type="button" className="check__title check__toggle" aria-expanded={open} onClick={() => setChosen(!open)}>
            {check.title}
            <Icon name={open ? 'up' : 'down'} />
          </button>
        )}
        {evidence !== undefined && <p className="check__sentence">{evidence.sentence}</p>}
        {evidence !== undefined && open && (
          <dl className="evidence" aria-label={t('check.details', { title: check.title })}>
            <dt>{t('check.expected')}</dt>
            <dd>{evidence.expected}</dd>
            <dt>{t('check.seen')}</dt>
            <dd className="evidence__seen">{evidence.seen}</dd>
            {evidence.from !== undefined && (
              <>
                <dt>{t('check.from')}</dt>
                <dd>{evidence.from}</dd>
              </>
            )}
            <dt>{t('check.took')}</dt>
            <dd>
              {duration(evidence.elapsed)}, <time dateTime={evidence.at}>{new Date(evidence.at).toLocaleTimeString()}</time>
            </dd>
          </dl>
        )}
      </div>
    </li>
  )
}
