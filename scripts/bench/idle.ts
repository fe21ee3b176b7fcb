import { prepareTemplate } from '../../server/engines/simulated/hosted.ts'
import { host, report, spec } from './cluster.ts'
import { cpuMs, type Measurement, most, round } from './measure.ts'

const count = 100
/** How long the bare process is watched, then the clusters are left alone, then watched, s. */
const bareSeconds = 20
const restSeconds = 60
const watchedSeconds = 60

/** Memory and CPU of clusters that nobody touches. */
export async function idle(): Promise<Measurement[]> {
  await prepareTemplate(spec, report)
  collect()
  const bare = await share(bareSeconds)

  const before = process.memoryUsage().heapUsed
  const hosted = []
  for (let seed = 0; seed < count; seed++) hosted.push(await host(undefined, seed))
  await pause(0.5)
  collect()
  const perCluster = (process.memoryUsage().heapUsed - before) / count / 1_000_000
  const fresh = await share(restSeconds)
  // What making them left behind is gone through once more by the collector, at a moment of its own choice: better before than within.
  collect()
  const rested = await share(watchedSeconds)
  const soon = hosted.filter(({ cluster: { clock } }) => (clock.next() ?? Number.POSITIVE_INFINITY) < clock.now() + 60_000)
  for (const one of hosted) one.close()

  const thousand = (measured: number) => round((Math.max(0, measured - bare) / count) * 1000)
  const method = `from ${count} clusters in one thread, less the ${round(bare)} % of the bare process with the template (${bareSeconds} s)`
  return [
    {
      name: 'heap per further idle cluster',
      unit: 'MB',
      how: `over ${count} forks of one template`,
      bars: [most(3)],
      value: round(perCluster),
    },
    {
      name: '1,000 idle clusters in their first minute',
      unit: '% of a core',
      how: `${method}; mostly the garbage collector, which goes through what was just made`,
      value: thousand(fresh),
    },
    {
      name: '1,000 idle clusters',
      unit: '% of a core',
      how: `${method}; over ${watchedSeconds} s, ${restSeconds} s after they were made and the heap was collected`,
      bars: [most(2)],
      value: thousand(rested),
    },
    {
      name: 'timers of an idle cluster that fire within a minute',
      unit: 'timers',
      how: 'clusters whose event loop would wake by itself, by a timer of whatever kind, per cluster',
      bars: [most(0)],
      value: round(soon.length / count),
    },
  ]
}

/** How much of a core this process takes while nothing is asked of it, %. */
async function share(seconds: number): Promise<number> {
  const began = cpuMs()
  await pause(seconds)
  return (cpuMs() - began) / seconds / 10
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000))
}

function collect(): void {
  ;(globalThis as { gc?: () => void }).gc?.()
}
