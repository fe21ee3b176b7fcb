import { expect, it } from 'vitest'
import { EventLoop, type Pacemaker } from './clock.ts'

/** A host with a thread for several loops: each turn lasts three events, and who wants to go on stands at the end of the line. */
function host() {
  const waiting: (() => void)[] = []
  const pacemaker = (): Pacemaker => ({
    now: () => 0,
    turn() {
      let events = 0
      return () => events++ === 3
    },
    wake: (at, call) => void (at !== undefined && waiting.push(call)),
  })
  return { pacemaker, waiting }
}

it('a loop that never comes to rest lets others have their turns', async () => {
  const { pacemaker, waiting } = host()
  const ran: string[] = []
  const fail = (error: unknown) => {
    throw error
  }
  const runaway = new EventLoop(pacemaker(), fail)
  const other = new EventLoop(pacemaker(), fail)
  const again = () => {
    ran.push('runaway')
    runaway.soon(again)
  }
  runaway.soon(again)
  other.soon(() => ran.push('other'))
  await Promise.resolve()
  expect(ran).toEqual(['runaway', 'runaway', 'runaway', 'other'])
  // It asked for another turn, and goes on where it was.
  waiting.shift()!()
  expect(ran).toHaveLength(7)
  runaway.close()
})

it('goes on in the same order after a turn was cut, and at once for whoever needs the instant whole', async () => {
  const { pacemaker, waiting } = host()
  const ran: number[] = []
  const loop = new EventLoop(pacemaker(), () => {})
  for (let i = 0; i < 8; i++) loop.soon(() => ran.push(i))
  await Promise.resolve()
  expect(ran).toEqual([0, 1, 2])
  waiting.shift()!()
  expect(ran).toEqual([0, 1, 2, 3, 4, 5])
  expect(loop.settle()).toBe(2)
  expect(ran).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
})
