import { expect, it } from 'vitest'
import { MiB } from '../programs/usage.ts'
import { createMeter, newMeterState } from './meter.ts'

function meterAt(start = 1_700_000_000_000) {
  const clock = { now: start }
  const state = newMeterState(start)
  const grown: number[] = []
  return {
    clock,
    state,
    grown,
    meter: createMeter(
      state,
      () => clock.now,
      (bytes) => grown.push(bytes),
    ),
  }
}

it('counts what is taken at rest when it is asked, however long nobody did', () => {
  const { clock, meter, state } = meterAt()
  meter.begin({ cores: 0.01, bytes: 5 * MiB })
  clock.now += 3_600_000
  expect(meter.seconds()).toBeCloseTo(36)
  expect(meter.cores(15_000)).toBeCloseTo(0.01)
  expect(meter.bytes()).toBe(5 * MiB)
  expect(state.recent.length).toBeLessThanOrEqual(62)
})

it('tells the load of the last seconds from what was before', () => {
  const { clock, meter } = meterAt()
  const account = meter.begin({ secondsPerMessage: 0.05 })
  for (let second = 0; second < 15; second++) {
    for (let request = 0; request < 4; request++) account.message()
    clock.now += 1000
  }
  expect(meter.cores(15_000)).toBeCloseTo(0.2, 1)
  clock.now += 15_000
  expect(meter.cores(15_000)).toBe(0)
  expect(meter.seconds()).toBeCloseTo(3)
})

it('gives memory back with the connection and with the process', () => {
  const { meter, grown } = meterAt()
  const account = meter.begin({ bytes: 100, bytesPerConnection: 10 })
  const first = account.connection()
  account.connection()
  expect(meter.bytes()).toBe(120)
  first()
  first()
  expect(meter.bytes()).toBe(110)
  account.close()
  expect(meter.bytes()).toBe(0)
  expect(grown).toEqual([100, 110, 120])
})

it('goes on from plain data', () => {
  const { clock, meter, state } = meterAt()
  meter.begin({ cores: 0.5 })
  clock.now += 10_000
  meter.seconds()
  const restored = createMeter(
    JSON.parse(JSON.stringify(state)),
    () => clock.now,
    () => {},
  )
  restored.begin({ cores: 0.5 })
  clock.now += 10_000
  expect(restored.seconds()).toBeCloseTo(10)
})
