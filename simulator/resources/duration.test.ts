import { expect, test } from 'vitest'
import { age, humanDuration } from './duration.ts'

const [s, m, h, d] = [1000, 60_000, 3_600_000, 86_400_000]

test.each([
  [-3 * s, '<invalid>'],
  [-1 * s, '0s'],
  [0, '0s'],
  [119 * s, '119s'],
  [120 * s, '2m'],
  [200 * s, '3m20s'],
  [10 * m + 5 * s, '10m'],
  [179 * m, '179m'],
  [3 * h, '3h'],
  [5 * h + 7 * m, '5h7m'],
  [47 * h, '47h'],
  [48 * h, '2d'],
  [50 * h, '2d2h'],
  [8 * d, '8d'],
  [729 * d, '729d'],
  [730 * d, '2y'],
  [800 * d, '2y70d'],
  [3000 * d, '8y'],
])('%d ms is %s', (milliseconds, text) => {
  expect(humanDuration(milliseconds)).toBe(text)
})

test('an object without a time has no known age', () => {
  expect(age(undefined, 0)).toBe('<unknown>')
  expect(age('1970-01-01T00:00:00Z', 90 * s)).toBe('90s')
})
