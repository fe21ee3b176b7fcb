import type { LabSummary } from '../../protocol/catalogue.ts'
import { t } from '../texts/text.ts'
import { byTrack, type Filter } from './search.ts'

interface FiltersProps {
  readonly labs: readonly LabSummary[]
  readonly filter: Filter
  readonly onChange: (filter: Filter) => void
}

const levels = ['beginner', 'intermediate', 'advanced'] as const

export function Filters({ labs, filter, onChange }: FiltersProps) {
  const tracks = byTrack(labs)
  if (labs.length === 0) return <div />
  return (
    <nav className="filters" aria-label={t('catalogue.filters')}>
      <fieldset className="filter">
        <legend>{t('catalogue.track')}</legend>
        <Choice chosen={filter.track === undefined} count={labs.length} onChoose={() => onChange({ ...filter, track: undefined })}>
          {t('catalogue.all')}
        </Choice>
        {tracks.map(({ track, labs: members }) => (
          <Choice
            key={track}
            chosen={filter.track === track}
            count={members.length}
            onChoose={() => onChange({ ...filter, track: filter.track === track ? undefined : track })}
          >
            {track}
          </Choice>
        ))}
      </fieldset>
      <fieldset className="filter">
        <legend>{t('catalogue.level')}</legend>
        {levels.map((level) => (
          <Choice
            key={level}
            chosen={filter.level === level}
            count={labs.filter((lab) => lab.level === level).length}
            onChoose={() => onChange({ ...filter, level: filter.level === level ? undefined : level })}
          >
            {t(`level.${level}`)}
          </Choice>
        ))}
      </fieldset>
    </nav>
  )
}

interface ChoiceProps {
  readonly chosen: boolean
  readonly count: number
  readonly onChoose: () => void
  readonly children: string
}

function Choice({ chosen, count, onChoose, children }: ChoiceProps) {
  return (
    <button type="button" className="filter__choice" aria-pressed={chosen} onClick={onChoose}>
      <span>{children}</span>
      <span className="filter__count">{count}</span>
    </button>
  )
}
