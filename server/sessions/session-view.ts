import type { CheckView, SessionState, SessionView, StepView } from '../../protocol/session.ts'
import type { SessionRow } from '../database/schema.ts'
import type { ClusterSpec, EngineName } from '../engines/engine.ts'
import type { CheckResult } from '../grading/run-check.ts'
import { score } from '../grading/score.ts'
import type { Lab } from '../labs/lab.ts'

/** Pure: a session as the page sees it. The lab is undefined where it is not on the shelf any more. */
export function viewSession(
  row: SessionRow,
  lab: Lab | undefined,
  results: ReadonlyMap<string, CheckResult>,
  steps: readonly StepView[],
): SessionView {
  const spec = JSON.parse(row.spec_json) as ClusterSpec
  const hints = (lab?.file.hints ?? []).slice(0, row.hints_revealed)
  const next = lab?.file.hints[row.hints_revealed]
  const hintCost = hints.reduce((sum, hint) => sum + hint.cost, 0)
  const tasks = lab?.file.tasks ?? []
  return {
    id: row.id,
    lab: {
      id: row.lab,
      title: lab?.file.title ?? row.lab,
      story: lab?.story ?? '',
      minutes: lab?.file.minutes ?? 0,
      hints: lab?.file.hints.length ?? 0,
    },
    engine: row.engine as EngineName,
    cluster: { nodes: spec.nodes, cni: spec.cni, kubernetes: spec.kubernetes },
    state: row.state as SessionState,
    createdAt: row.created_at,
    ...(row.ready_at === null ? {} : { readyAt: row.ready_at }),
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
    steps,
    tasks: tasks.map((task) => ({
      id: task.id,
      title: task.title,
      points: task.points,
      checks: task.checks.map(
        (check): CheckView => ({ title: check.title, ...(results.get(check.id) ?? { id: check.id, state: 'pending' }) }),
      ),
    })),
    score: score(tasks, results, hintCost),
    hints,
    ...(next === undefined ? {} : { nextHintCost: next.cost }),
    ...(row.failure_json === null ? {} : { failure: JSON.parse(row.failure_json) as NonNullable<SessionView['failure']> }),
    ...(row.state === 'finished' && lab !== undefined ? { debrief: lab.debrief } : {}),
  }
}
