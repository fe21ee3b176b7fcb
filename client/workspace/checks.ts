import type { CheckView, SessionView, TaskView } from '../../protocol/session.ts'
import { t } from '../texts/text.ts'

export interface Progress {
  readonly passed: number
  readonly all: number
}

export function progressOf(tasks: readonly TaskView[]): Progress {
  const checks = tasks.flatMap((task) => task.checks)
  return { passed: checks.filter((check) => check.state === 'passed').length, all: checks.length }
}

/**
 * What a screen reader is told when the checks turn, one sentence per check that changed; nothing where nothing changed, and
 * nothing for the first results of a lab, which are all known to fail.
 */
export function checkAnnouncements(before: readonly TaskView[], after: readonly TaskView[]): string[] {
  const earlier = new Map<string, CheckView>()
  for (const task of before) for (const check of task.checks) earlier.set(`${task.id}/${check.id}`, check)
  const sentences: string[] = []
  for (const task of after) {
    for (const check of task.checks) {
      const was = earlier.get(`${task.id}/${check.id}`)?.state
      if (was === undefined || was === check.state || check.state === 'pending') continue
      if (was === 'pending' && check.state !== 'passed') continue
      sentences.push(t(`check.announce.${check.state}`, { title: check.title, sentence: check.evidence?.sentence ?? '' }).trim())
    }
  }
  const [were, are] = [progressOf(before), progressOf(after)]
  if (are.all > 0 && are.passed === are.all && were.passed < are.passed) sentences.push(t('check.announce.all'))
  return sentences
}

/** Milliseconds in the lab so far: from the usable prompt to the end, or to now. */
export function elapsed(session: Pick<SessionView, 'createdAt' | 'readyAt' | 'endedAt'>, now: number): number {
  const from = Date.parse(session.readyAt ?? session.createdAt)
  const to = session.endedAt === undefined ? now : Date.parse(session.endedAt)
  return Math.max(0, to - from)
}
