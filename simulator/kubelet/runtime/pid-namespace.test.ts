import { expect, test } from 'vitest'
import { EventLoop, HeldTime } from '../../clock.ts'
import { PidNamespace } from './pid-namespace.ts'

function namespace() {
  const time = new HeldTime(0)
  const pids = new PidNamespace(
    new EventLoop(time, (error) => {
      throw error
    }),
  )
  const heard: string[] = []
  const start = (name: string, parent = 0) => {
    const pid = pids.next()
    const kill = (signal: string) => void heard.push(`${name} ${signal}`)
    pids.add(pid, { parent, argv: [name], user: 'root', startedAt: 0, cpuSeconds: () => 0, kill })
    return pid
  }
  return { time, pids, heard, start }
}

test('numbers go up and are not given twice', () => {
  const { pids, start } = namespace()
  expect([start('init'), start('a', 1), start('b', 1)]).toEqual([1, 2, 3])
  pids.remove(2)
  expect(start('c')).toBe(4)
  expect(pids.list().map(({ pid, parent, argv }) => [pid, parent, ...argv])).toEqual([
    [1, 0, 'init'],
    [3, 1, 'b'],
    [4, 0, 'c'],
  ])
})

test('a signal arrives after its sender went on; SIGKILL does not reach number 1 from inside', async () => {
  const { time, pids, heard, start } = namespace()
  start('init')
  start('a')
  expect([pids.kill(1, 'SIGKILL'), pids.kill(1, 'SIGTERM'), pids.kill(2, 'SIGKILL'), pids.kill(3, 'SIGTERM')]).toEqual([
    true,
    true,
    true,
    false,
  ])
  expect(heard).toEqual([])
  await time.pass(5, async () => {})
  expect(heard).toEqual(['init SIGTERM', 'a SIGKILL'])
})

test('with number 1 all others go', () => {
  const { pids, heard, start } = namespace()
  for (const name of ['init', 'a', 'b']) start(name)
  pids.remove(1)
  expect(heard).toEqual(['a SIGKILL', 'b SIGKILL'])
})
