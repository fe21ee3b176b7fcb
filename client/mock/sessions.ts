import type { Refusal } from '../../protocol/errors.ts'
import type { CheckView, SessionView, TaskView } from '../../protocol/session.ts'
import { debrief, hints, labs, story } from './labs.ts'

export const sessions = new Map<string, SessionView>()
let made = 0

export function refusal(code: string, message: string, mend?: string): Refusal {
  return { error: { code, message, ...(mend === undefined ? {} : { mend }) } }
}

export function startSession(lab: string, engine: 'simulated' | 'kind', changed: (view: SessionView) => void): SessionView | Refusal {
  const summary = labs.find((other) => other.id === lab)
  if (summary === undefined) return refusal('unknown-lab', `There is no lab named "${lab}".`)
  if (lab === 'refuses') {
    return refusal(
      'lab-not-armed',
      'The lab "refuses" does not start: its checks pass before any repair.',
      'Tell its author; the fault is in lab.yaml.',
    )
  }
  const id = `${lab}-${++made}`
  const slow = lab === 'slow-kind' || lab === 'fails-to-start'
  const view: SessionView = {
    id,
    lab: { id: lab, title: summary.title, story, minutes: summary.minutes, hints: hints.length },
    engine,
    cluster: summary.cluster,
    state: slow ? 'provisioning' : 'ready',
    createdAt: new Date().toISOString(),
    ...(slow ? {} : { readyAt: new Date().toISOString() }),
    steps: slow
      ? [
          { name: 'Pull the node image', state: 'done', elapsed: 12_400 },
          { name: 'Make 3 nodes', state: 'done', elapsed: 21_310 },
          { name: 'Install the CNI', state: 'running', elapsed: 4200 },
        ]
      : [],
    tasks: slow ? [] : tasks(false),
    score: { earned: 0, possible: summary.points, hintCost: 0 },
    hints: [],
  }
  sessions.set(id, view)
  if (lab === 'fails-to-start') setTimeout(() => sessions.has(id) && changed(update(id, failure)), 600)
  if (lab === 'slow-kind') {
    setTimeout(() => {
      if (!sessions.has(id)) return
      const steps = [...view.steps.slice(0, 2), { name: 'Install the CNI', state: 'done' as const, elapsed: 9100 }]
      changed(update(id, { steps, state: 'ready', readyAt: new Date().toISOString(), tasks: tasks(false) }))
    }, 20_000)
  }
  return view
}

const failure: Partial<SessionView> = {
  state: 'failed',
  steps: [
    { name: 'Make 4 nodes', state: 'done', elapsed: 11 },
    { name: 'Break the cluster', state: 'failed', elapsed: 2004 },
  ],
  failure: {
    code: 'break-failed',
    message: 'The step "kubectl delete node worker3" of the lab ended with code 1: nodes "worker3" not found.',
    mend: 'Start it again; if it fails again, tell the author of the lab.',
  },
}

export function update(id: string, change: Partial<SessionView>): SessionView {
  const next = { ...sessions.get(id)!, ...change }
  sessions.set(id, next)
  return next
}

/** Turns the checks, as a repair would. */
export function repair(id: string, state: 'broken' | 'half' | 'whole'): SessionView {
  const now = sessions.get(id)!
  const next = state === 'broken' ? tasks(false) : tasks(true, state === 'half')
  const all = next.flatMap((task) => task.checks)
  const passed = all.filter((check) => check.state === 'passed').length
  const earned = Math.max(0, Math.round((now.score.possible * passed) / all.length) - now.score.hintCost)
  return update(id, { tasks: next, score: { ...now.score, earned } })
}

export function revealHint(id: string): SessionView {
  const now = sessions.get(id)!
  const hint = hints[now.hints.length]
  if (hint === undefined) return now
  const hintCost = now.score.hintCost + hint.cost
  return update(id, { hints: [...now.hints, hint], score: { ...now.score, hintCost, earned: Math.max(0, now.score.earned - hint.cost) } })
}

export function finishSession(id: string): SessionView {
  return update(id, { state: 'finished', endedAt: new Date().toISOString(), debrief })
}

function tasks(whole: boolean, half = false): TaskView[] {
  const at = new Date().toISOString()
  const check = (id: string, title: string, good: CheckView, bad: CheckView): CheckView =>
    whole ? { ...good, id, title } : { ...bad, id, title }
  const seen = (state: CheckView['state'], sentence: string, expected: string, what: string, elapsed: number, from?: string) =>
    ({ state, evidence: { sentence, expected, seen: what, at, elapsed, ...(from === undefined ? {} : { from }) } }) as CheckView
  return [
    {
      id: 'dns',
      title: 'Names resolve again',
      points: 60,
      checks: [
        check(
          'coredns',
          'CoreDNS is available',
          seen('passed', '2 of 2 replicas of kube-system/coredns are available.', 'availableReplicas = 2', '2', 2),
          seen('failed', 'No replica of kube-system/coredns is available.', 'availableReplicas = 2', '0', 2),
        ),
        check(
          'lookup',
          'The shop finds its database',
          half
            ? seen(
                'failed',
                'The name was answered by a server outside the cluster.',
                'A 10.96.41.7 from 10.96.0.10',
                'NXDOMAIN from 1.1.1.1',
                31,
                'prod/web-7c9d4b5f6-x2x8p',
              )
            : seen(
                'passed',
                'mysql.prod.svc.cluster.local is 10.96.41.7, answered in 3 ms.',
                'A 10.96.41.7 from 10.96.0.10',
                'A 10.96.41.7 from 10.96.0.10',
                3,
                'prod/web-7c9d4b5f6-x2x8p',
              ),
          seen(
            'failed',
            'No server answered for mysql.prod.svc.cluster.local.',
            'A 10.96.41.7 from 10.96.0.10',
            'timeout after 2 s',
            2000,
            'prod/web-7c9d4b5f6-x2x8p',
          ),
        ),
      ],
    },
    {
      id: 'care',
      title: 'Nothing else was changed',
      points: 40,
      checks: [
        check(
          'resolver',
          'Pods still ask the cluster DNS',
          half
            ? { id: '', title: '', state: 'pending' }
            : seen(
                'passed',
                '/etc/resolv.conf names 10.96.0.10 in every pod of prod.',
                'nameserver 10.96.0.10',
                'nameserver 10.96.0.10',
                4,
              ),
          seen(
            'unknown',
            'The pod had no running container to look into.',
            'nameserver 10.96.0.10',
            'container creating',
            12,
            'prod/web-7c9d4b5f6-x2x8p',
          ),
        ),
      ],
    },
  ]
}
