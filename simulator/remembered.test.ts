import { expect, test } from 'vitest'
import { remembered } from './remembered.ts'

test('the same text by the same name is derived once', () => {
  const asked: string[] = []
  const length = remembered((text, name) => {
    asked.push(`${name}:${text}`)
    return { length: text.length }
  })
  expect(length('abc')).toBe(length('abc'))
  expect(length('abc', 'other')).toEqual({ length: 3 })
  expect(asked).toEqual([':abc', 'other:abc'])
})

test('an error is not remembered, and many texts do not pile up', () => {
  let fails = true
  const derive = remembered((text) => {
    if (fails) throw new Error('not yet')
    return { text }
  })
  expect(() => derive('a')).toThrow('not yet')
  fails = false
  const first = derive('a')
  expect(first).toEqual({ text: 'a' })
  for (let index = 0; index < 64; index++) derive(String(index))
  expect(derive('a')).not.toBe(first)
})
