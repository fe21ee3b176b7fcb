import { useState } from 'react'
import type { SessionView } from '../../protocol/session.ts'
import { useSessionAction } from '../connection/sessions.ts'
import { Button } from '../design/Button.tsx'
import { Confirm } from '../design/Confirm.tsx'
import { Icon } from '../design/icons.tsx'
import { counted, t } from '../texts/text.ts'
import { Prose } from './Prose.tsx'

interface HintsProps {
  readonly session: SessionView
  readonly onSend: (command: string) => void
}

export function Hints({ session, onSend }: HintsProps) {
  const [asking, setAsking] = useState(false)
  const hint = useSessionAction(session.id, 'hint')
  const all = session.lab.hints
  const shown = session.hints.length
  const left = all - shown
  if (all === 0) return null
  return (
    <section className="hints" aria-labelledby="hints-title">
      <div className="section-head">
        <h2 id="hints-title">{t('hints.title')}</h2>
        <span className="section-head__note">{left > 0 ? counted('hints.left', left) : t('hints.all')}</span>
      </div>
      <ol className="hints__list">
        {session.hints.map((entry, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: hints come in a fixed order
          <li key={index} className="hint">
            <p className="hint__head">
              {t('hints.number', { number: index + 1 })}
              <span>{entry.cost > 0 ? t('hints.cost', { cost: entry.cost }) : t('hints.free')}</span>
            </p>
            <Prose text={entry.text} onSend={onSend} />
          </li>
        ))}
      </ol>
      {left > 0 && (
        <Button small icon={<Icon name="hint" />} aria-disabled={hint.isPending} onClick={() => !hint.isPending && setAsking(true)}>
          {t('hints.reveal', { number: shown + 1, all })}
        </Button>
      )}
      <Confirm
        open={asking}
        title={t('hints.confirm.title')}
        text={session.nextHintCost === undefined ? t('hints.confirm.text') : counted('hints.confirm.price', session.nextHintCost)}
        action={t('hints.confirm.action')}
        onConfirm={() => hint.mutate()}
        onClose={() => setAsking(false)}
      />
    </section>
  )
}
