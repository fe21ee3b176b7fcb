import { expect, it } from 'vitest'
import { EventLoop, HeldTime } from './clock.ts'

function loop() {
  const time = new HeldTime(0)
  const clock = new EventLoop(time, (error) => {
    throw error
  })
  const woken: string[] = []
  const rest = (owner: string) => clock.whenStirred(owner, () => woken.push(owner))
  return { time, clock, woken, rest, timers: clock.timers('test', () => {}) }
}

it('wakes who waits for something to happen by a timer, and by what is queued from outside, each time once and by owner', () => {
  const { time, clock, woken, rest, timers } = loop()
  rest('b')
  rest('a')
  timers.set('t', 10)
  time.advance(10)
  expect(woken).toEqual(['a', 'b'])
  rest('a')
  clock.soon(() => {})
  clock.settle()
  clock.soon(() => {})
  clock.settle()
  expect(woken).toEqual(['a', 'b', 'a'])
})

it('does not wake them by a calm timer and what follows from it in the same instant, but by what follows later', () => {
  const { time, clock, woken, rest } = loop()
  const timers = clock.timers('calm', () => clock.soon(() => clock.after(5, () => {})))
  const before = clock.stirs
  timers.set('t', 10, true)
  rest('a')
  time.advance(10)
  clock.soon(() => {}, true)
  clock.settle()
  expect(woken).toEqual([])
  expect(clock.stirs).toBe(before)
  time.advance(5)
  expect(woken).toEqual(['a'])
})

it('counts what a restore does as nothing that happened', () => {
  const { clock, woken, rest } = loop()
  clock.restore([])
  rest('a')
  clock.soon(() => {})
  clock.resume()
  expect(woken).toEqual([])
  clock.stir()
  clock.settle()
  expect(woken).toEqual(['a'])
})
