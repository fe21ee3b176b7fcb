import { expect, it } from 'vitest'
import { lab } from '../testing/examples.ts'
import { byTrack, findLabs } from './search.ts'

const labs = [
  lab({ id: 'mentions', title: 'Another', summary: 'A SERVFAIL in passing.', symptoms: [] }),
  lab(),
  lab({
    id: 'policy',
    title: 'Policies',
    track: 'Pods',
    level: 'advanced',
    symptoms: ['504'],
    cluster: { nodes: 2, cni: 'flannel', kubernetes: '1.34.0' },
  }),
]
const ids = (query: string, more = {}) => findLabs(labs, { query, ...more }).map(({ id }) => id)

it('finds a symptom before a mention, in any case', () => {
  expect(ids('servfail')).toEqual(['broken-dns', 'mentions'])
})

it('wants every word, from whatever field', () => {
  expect(ids('504 flannel')).toEqual(['policy'])
  expect(ids('504 kindnet')).toEqual([])
})

it('filters by track and level together with the search', () => {
  expect(ids('', { level: 'advanced' })).toEqual(['policy'])
  expect(ids('', { track: 'Pods', level: 'beginner' })).toEqual([])
})

it('keeps the order of the catalogue within its tracks', () => {
  expect(byTrack(labs).map(({ track, labs: members }) => [track, members.length])).toEqual([
    ['Name resolution', 2],
    ['Pods', 1],
  ])
})
