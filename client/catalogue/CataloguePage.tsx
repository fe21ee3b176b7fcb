import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import type { LabSummary } from '../../protocol/catalogue.ts'
import { loadWorkspace } from '../app/load.ts'
import { Masthead } from '../app/Masthead.tsx'
import { catalogueQuery, refused, useStart } from '../connection/sessions.ts'
import { Button, IconButton } from '../design/Button.tsx'
import { Fault } from '../design/Fault.tsx'
import { Icon } from '../design/icons.tsx'
import { Notice } from '../design/Notice.tsx'
import { useCommands } from '../palette/commands.ts'
import { inField } from '../palette/shortcuts.ts'
import { counted, t } from '../texts/text.ts'
import { Filters } from './Filters.tsx'
import { LabRow } from './LabRow.tsx'
import { byTrack, type Filter, findLabs } from './search.ts'
import './catalogue.css'

export function CataloguePage() {
  const [filter, setFilter] = useState<Filter>({ query: '' })
  const field = useRef<HTMLInputElement>(null)
  const navigate = useNavigate()
  const open = (session: string) => void navigate({ to: '/sessions/$session', params: { session } })
  const catalogue = useQuery(catalogueQuery)
  const start = useStart((view) => open(view.id))
  const labs = catalogue.data ?? []
  const found = findLabs(labs, filter)

  useEffect(() => {
    document.title = t('product.name')
    const pressed = (event: KeyboardEvent) => {
      if (event.key !== '/' || inField(event.target) || event.ctrlKey || event.metaKey || event.altKey) return
      event.preventDefault()
      field.current?.focus()
    }
    window.addEventListener('keydown', pressed)
    return () => window.removeEventListener('keydown', pressed)
  }, [])

  useCommands(
    labs
      .filter((lab) => lab.session !== undefined || lab.engines.some((engine) => engine.available))
      .map((lab) => ({
        id: `lab.${lab.id}`,
        title: t(lab.session === undefined ? 'palette.start' : 'palette.continue', { title: lab.title }),
        run: () => (lab.session === undefined ? start.mutate({ lab: lab.id }) : open(lab.session)),
      })),
  )

  const row = (lab: LabSummary) => (
    <LabRow
      key={lab.id}
      lab={lab}
      starting={start.isPending && start.variables.lab === lab.id}
      busy={start.isPending}
      refusal={start.isError && start.variables.lab === lab.id ? refused(start.error) : undefined}
      onStart={(request) => start.mutate(request)}
      onContinue={open}
      onSymptom={(query) => setFilter({ query })}
      onNear={() => void loadWorkspace()}
    />
  )

  return (
    <div className="catalogue">
      <Masthead />
      <main id="content" className="catalogue__main" tabIndex={-1}>
        <div className="catalogue__head">
          <h1 className="catalogue__claim">{t('product.claim')}</h1>
          <search className="search">
            <Icon name="search" />
            <input
              ref={field}
              type="text"
              inputMode="search"
              aria-label={t('catalogue.search.label')}
              aria-keyshortcuts="/"
              placeholder={t('catalogue.search.placeholder')}
              value={filter.query}
              autoComplete="off"
              spellCheck={false}
              onChange={(event) => setFilter({ ...filter, query: event.target.value })}
              onKeyDown={(event) => event.key === 'Escape' && setFilter({ ...filter, query: '' })}
            />
            {filter.query === '' ? (
              <kbd className="key">/</kbd>
            ) : (
              <IconButton small label={t('catalogue.search.clear')} keys="Esc" onClick={() => setFilter({ ...filter, query: '' })}>
                <Icon name="close" />
              </IconButton>
            )}
          </search>
        </div>
        <Fault at={71} />
        {catalogue.isError && catalogue.data !== undefined && (
          <div role="status" className="catalogue__stale">
            <Notice icon="unplugged" text={t('catalogue.stale')} />
          </div>
        )}
        <div className="catalogue__body">
          <Filters labs={labs} filter={filter} onChange={setFilter} />
          <section className="catalogue__labs" aria-label={t('catalogue.title')} aria-busy={catalogue.isPending}>
            <p className="out-of-sight" role="status">
              {catalogue.isPending ? t('catalogue.loading') : catalogue.isSuccess ? counted('catalogue.found', found.length) : ''}
            </p>
            {catalogue.isPending && <Skeletons />}
            {catalogue.isError && catalogue.data === undefined && (
              <div className="catalogue__nothing" role="alert">
                <h2>{t('catalogue.error.title')}</h2>
                <p>{catalogue.error.message}</p>
                <p>{refused(catalogue.error).mend}</p>
                <Button onClick={() => void catalogue.refetch()}>{t('catalogue.retry')}</Button>
              </div>
            )}
            {catalogue.data !== undefined && labs.length === 0 && (
              <div className="catalogue__nothing">
                <h2>{t('catalogue.empty.title')}</h2>
                <p>{t('catalogue.empty.text')}</p>
              </div>
            )}
            {labs.length > 0 && found.length === 0 && (
              <div className="catalogue__nothing">
                <h2>{t('catalogue.none.title')}</h2>
                <p>{filter.query === '' ? t('catalogue.none.filters') : t('catalogue.none.text', { query: filter.query })}</p>
                <Button onClick={() => setFilter({ query: '' })}>{t('catalogue.none.clear')}</Button>
              </div>
            )}
            {filter.query === '' ? (
              byTrack(found).map(({ track, labs: members }) => (
                <div className="track" key={track}>
                  <h2 className="track__title">{track}</h2>
                  <ul>{members.map(row)}</ul>
                </div>
              ))
            ) : (
              <>
                <h2 className="out-of-sight">{counted('catalogue.found', found.length)}</h2>
                <ul>{found.map(row)}</ul>
              </>
            )}
          </section>
        </div>
      </main>
    </div>
  )
}

function Skeletons() {
  return (
    <div aria-hidden="true">
      {[0, 1, 2, 3].map((number) => (
        <div key={number} className="lab lab--empty">
          <span />
          <div>
            <div className="skeleton" style={{ width: '34%', height: '1.1rem' }} />
            <div className="skeleton" style={{ width: '78%', height: '0.8rem', marginTop: '0.6rem' }} />
            <div className="skeleton" style={{ width: '22%', height: '0.8rem', marginTop: '0.6rem' }} />
          </div>
        </div>
      ))}
    </div>
  )
}
