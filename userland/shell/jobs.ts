import type { Signal } from '../../simulator/programs/process.ts'

/** A background job as `jobs` shows it. */
export interface Job {
  readonly number: number
  readonly pid: number
  readonly text: string
  /** Undefined while it runs. */
  status: number | undefined
  readonly finished: Promise<number>
  kill(signal: Signal): void
  /** The end has been told to the person. */
  reported: boolean
}

const signalWords: Record<number, string> = { 129: 'Hangup', 130: 'Interrupt', 131: 'Quit', 137: 'Killed', 143: 'Terminated' }

/** `[1]+  Running                 sleep 100 &`: bash pads the state to 24 columns. */
export function describeJob(job: Job, jobs: readonly Job[]): string {
  const last = jobs.at(-1)
  const mark = job === last ? '+' : job === jobs.at(-2) ? '-' : ' '
  const state = job.status === undefined ? 'Running' : job.status === 0 ? 'Done' : (signalWords[job.status] ?? `Exit ${job.status}`)
  return `[${job.number}]${mark}  ${state.padEnd(24)}${job.text}${job.status === undefined ? ' &' : ''}`
}

/** `%1`, `%+`, `%%`, `%-`, `%name`, or a pid. */
export function findJob(jobs: readonly Job[], spec: string | undefined): Job | undefined {
  if (spec === undefined || spec === '%%' || spec === '%+' || spec === '%') return jobs.at(-1)
  if (spec === '%-') return jobs.at(-2) ?? jobs.at(-1)
  if (/^%\d+$/.test(spec)) return jobs.find((job) => job.number === Number(spec.slice(1)))
  if (spec.startsWith('%')) return jobs.findLast((job) => job.text.startsWith(spec.slice(1)))
  return jobs.find((job) => `${job.pid}` === spec)
}
