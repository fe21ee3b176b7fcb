import { expect, it } from 'vitest'
import { isPanels, keyedWidth, limits, firstPanels as panelsFor, resized, toggled } from './panels.ts'

const firstPanels = panelsFor(1280)

it('keeps a panel between its limits', () => {
  expect(resized(firstPanels, 'story', 9000).story.width).toBe(limits.story.max)
  expect(resized(firstPanels, 'cluster', 3).cluster.width).toBe(limits.cluster.min)
})

it('moves the line with the arrow, so that the right panel grows leftwards', () => {
  expect(keyedWidth('story', 300, 'ArrowRight', false)).toBe(316)
  expect(keyedWidth('cluster', 300, 'ArrowRight', false)).toBe(284)
  expect(keyedWidth('cluster', 300, 'ArrowLeft', true)).toBe(364)
  expect(keyedWidth('story', 300, 'a', false)).toBeUndefined()
})

it('hides a panel without forgetting its width', () => {
  expect(toggled(firstPanels, 'story').story).toEqual({ width: firstPanels.story.width, shown: false })
  expect(isPanels(JSON.parse(JSON.stringify(toggled(firstPanels, 'story'))))).toBe(true)
  expect(isPanels({ story: {} })).toBe(false)
})
