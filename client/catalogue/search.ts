import type { LabSummary } from '../../protocol/catalogue.ts'
import { t } from '../texts/text.ts'

export interface Filter {
  readonly query: string
  readonly track?: string
  readonly level?: LabSummary['level']
}

/** Labs that have every word of the query somewhere a person would look: symptoms and title first, then summary and cluster. */
export function findLabs(labs: readonly LabSummary[], filter: Filter): readonly LabSummary[] {
  const words = filter.query.toLowerCase().split(/\s+/).filter(Boolean)
  return labs
    .filter((lab) => filter.track === undefined || lab.track === filter.track)
    .filter((lab) => filter.level === undefined || lab.level === filter.level)
    .map((lab, index) => ({ lab, index, rank: rankOf(lab, words) }))
    .filter(({ rank }) => rank > 0)
    .sort((one, other) => other.rank - one.rank || one.index - other.index)
    .map(({ lab }) => lab)
}

function rankOf(lab: LabSummary, words: readonly string[]): number {
  if (words.length === 0) return 1
  const fields: readonly (readonly [string, number])[] = [
    [lab.symptoms.join('\n'), 4],
    [lab.title, 3],
    [[lab.summary, lab.track, t(`level.${lab.level}`), lab.cluster.cni, ...lab.engines.map((engine) => engine.name)].join('\n'), 1],
  ]
  let rank = 0
  for (const word of words) {
    const best = Math.max(...fields.map(([text, weight]) => (text.toLowerCase().includes(word) ? weight : 0)))
    if (best === 0) return 0
    rank += best
  }
  return rank
}

/** Tracks in the order in which the catalogue has them, with their labs. */
export function byTrack(labs: readonly LabSummary[]): readonly { readonly track: string; readonly labs: readonly LabSummary[] }[] {
  const tracks = new Map<string, LabSummary[]>()
  for (const lab of labs) tracks.set(lab.track, [...(tracks.get(lab.track) ?? []), lab])
  return [...tracks].map(([track, members]) => ({ track, labs: members }))
}
