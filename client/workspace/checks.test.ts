import { expect, it } from 'vitest'
import { check } from '../testing/examples.ts'
import { checkAnnouncements, elapsed, progressOf } from './checks.ts'

const tasks = (...checks: ReturnType<typeof check>[]) => [{ id: 't', title: 'T', points: 1, checks }]
const failed = check('failed')
const passed = check('passed')

it('announces each check that turned, with its evidence, and the last one as the end', () => {
  const second = check('failed', { id: 'second' })
  expect(checkAnnouncements(tasks(failed, second), tasks(passed, second))).toEqual([
    'Check passed: The shop finds its database. The name was answered.',
  ])
  expect(checkAnnouncements(tasks(failed), tasks(passed)).at(-1)).toBe('All checks pass. You can finish the lab.')
})

it('is silent where nothing turned, and about first results that fail', () => {
  expect(checkAnnouncements(tasks(failed), tasks(failed))).toEqual([])
  expect(checkAnnouncements(tasks(check('pending')), tasks(failed))).toEqual([])
  expect(checkAnnouncements([], tasks(passed, failed))).toEqual([])
})

it('announces a repair that comes undone', () => {
  expect(checkAnnouncements(tasks(passed), tasks(failed))[0]).toMatch(/^Check no longer holds/)
})

it('counts checks, and time from the prompt to the end', () => {
  expect(progressOf(tasks(passed, failed))).toEqual({ passed: 1, all: 2 })
  const times = { createdAt: '2026-01-01T10:00:00Z', readyAt: '2026-01-01T10:00:30Z' }
  expect(elapsed(times, Date.parse('2026-01-01T10:01:00Z'))).toBe(30_000)
  expect(elapsed({ ...times, endedAt: '2026-01-01T10:00:40Z' }, Date.now())).toBe(10_000)
})
