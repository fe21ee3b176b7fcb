import type { SessionView } from '../../protocol/session.ts'
import { Button } from '../design/Button.tsx'
import { t } from '../texts/text.ts'
import { progressOf } from './checks.ts'
import { Hints } from './Hints.tsx'
import { Prose } from './Prose.tsx'
import { Tasks } from './Tasks.tsx'

interface StoryPanelProps {
  readonly session: SessionView
  readonly onSend: (command: string) => void
  readonly onFinish: () => void
}

export function StoryPanel({ session, onSend, onFinish }: StoryPanelProps) {
  const { passed, all } = progressOf(session.tasks)
  return (
    <>
      {all > 0 && passed === all && (
        <div className="solved">
          <p className="solved__title">{t('tasks.solved.title')}</p>
          <p>{t('tasks.solved.text')}</p>
          <Button look="primary" onClick={onFinish}>
            {t('session.finish')}
          </Button>
        </div>
      )}
      <section aria-labelledby="story-title">
        <h2 id="story-title" className="out-of-sight">
          {t('story.title')}
        </h2>
        <Prose text={session.lab.story} onSend={onSend} />
      </section>
      <Tasks session={session} />
      <Hints session={session} onSend={onSend} />
    </>
  )
}
