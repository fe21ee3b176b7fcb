import type { ISearchOptions, SearchAddon } from '@xterm/addon-search'
import { useEffect, useRef, useState } from 'react'
import { useSeenTheme } from '../app/theme.ts'
import { IconButton } from '../design/Button.tsx'
import { Icon } from '../design/icons.tsx'
import { t } from '../texts/text.ts'
import { terminalThemes } from './themes.ts'

interface SearchBarProps {
  readonly name: string
  readonly search: SearchAddon
  readonly onClose: () => void
}

/** The match that is shown is selected, so it has the selection's colour; the others are paler. */
function optionsFor(theme: 'light' | 'dark'): ISearchOptions {
  return {
    decorations: {
      matchBackground: theme === 'light' ? '#f4ecc8' : '#39341b',
      activeMatchBackground: terminalThemes[theme].selectionInactiveBackground,
      matchOverviewRuler: '#8f6c00',
      activeMatchColorOverviewRuler: '#f0c93a',
    },
  }
}

export function SearchBar({ name, search, onClose }: SearchBarProps) {
  const [query, setQuery] = useState('')
  const [found, setFound] = useState<{ index: number; count: number }>()
  const options = optionsFor(useSeenTheme())
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => {
    field.current?.focus()
    const results = search.onDidChangeResults(({ resultIndex, resultCount }) => setFound({ index: resultIndex + 1, count: resultCount }))
    return () => results.dispose()
  }, [search])

  const next = () => search.findNext(query, options)
  const previous = () => search.findPrevious(query, options)
  return (
    <search className="terminal__search">
      <Icon name="search" />
      <input
        ref={field}
        type="text"
        aria-label={t('terminal.search.label', { name })}
        placeholder={t('terminal.search')}
        value={query}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => {
          setQuery(event.target.value)
          search.findPrevious(event.target.value, { ...options, incremental: true })
          if (event.target.value === '') search.clearDecorations()
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onClose()
          if (event.key !== 'Enter') return
          if (event.shiftKey) next()
          else previous()
        }}
      />
      <output className="terminal__found">
        {query === '' || found === undefined
          ? ''
          : found.count === 0
            ? t('terminal.search.none')
            : t('terminal.search.count', { index: found.index, count: found.count })}
      </output>
      <IconButton small label={t('terminal.search.previous')} keys="Enter" onClick={previous}>
        <Icon name="up" />
      </IconButton>
      <IconButton small label={t('terminal.search.next')} keys="Shift+Enter" onClick={next}>
        <Icon name="down" />
      </IconButton>
      <IconButton small label={t('terminal.search.close')} keys="Esc" onClick={onClose}>
        <Icon name="close" />
      </IconButton>
    </search>
  )
}
