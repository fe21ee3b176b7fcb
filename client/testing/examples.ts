import type { LabSummary } from '../../protocol/catalogue.ts'
import type { CheckView, SessionView } from '../../protocol/session.ts'

export function lab(change: Partial<LabSummary> = {}): LabSummary {
  return {
    id: 'broken-dns',
    title: 'Broken DNS',
    summary: 'The shop cannot find its database.',
    track: 'Name resolution',
    level: 'beginner',
    symptoms: ['SERVFAIL', 'CrashLoopBackOff'],
    minutes: 15,
    points: 100,
    cluster: { nodes: 3, cni: 'kindnet', kubernetes: '1.34.0' },
    engines: [{ name: 'simulated', available: true }],
    ...change,
  }
}

export function check(state: CheckView['state'], change: Partial<CheckView> = {}): CheckView {
  const evidence = {
    sentence: 'The name was answered.',
    expected: '10.96.41.7',
    seen: 'SERVFAIL',
    from: 'prod/web',
    at: '2026-01-01T10:00:00Z',
    elapsed: 12,
  }
  return { id: 'lookup', title: 'The shop finds its database', state, ...(state === 'pending' ? {} : { evidence }), ...change }
}

export function session(change: Partial<SessionView> = {}): SessionView {
  return {
    id: 's1',
    lab: { id: 'broken-dns', title: 'Broken DNS', story: 'Every order fails. Try `kubectl get pods -A` first.', minutes: 15, hints: 2 },
    engine: 'simulated',
    cluster: { nodes: 3, cni: 'kindnet', kubernetes: '1.34.0' },
    state: 'ready',
    createdAt: '2026-01-01T10:00:00Z',
    readyAt: '2026-01-01T10:00:00Z',
    steps: [],
    tasks: [{ id: 'dns', title: 'Names resolve again', points: 100, checks: [check('failed')] }],
    score: { earned: 0, possible: 100, hintCost: 0 },
    hints: [],
    ...change,
  }
}
