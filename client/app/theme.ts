import { useEffect, useSyncExternalStore } from 'react'
import { rememberedStore, useStore } from './store.ts'

export type Theme = 'system' | 'light' | 'dark'

const themes: readonly Theme[] = ['system', 'light', 'dark']
export const theme = rememberedStore<Theme>('theme', 'system', (value): value is Theme => themes.includes(value as Theme))

export function nextTheme(now: Theme): Theme {
  return themes[(themes.indexOf(now) + 1) % themes.length]!
}

const dark = () => window.matchMedia('(prefers-color-scheme: dark)')

/** The theme that is seen: the chosen one, or that of the system. */
export function useSeenTheme(): 'light' | 'dark' {
  const chosen = useStore(theme)
  const system = useSyncExternalStore(
    (changed) => {
      const query = dark()
      query.addEventListener('change', changed)
      return () => query.removeEventListener('change', changed)
    },
    () => dark().matches,
  )
  return chosen === 'system' ? (system ? 'dark' : 'light') : chosen
}

export function useThemeOnDocument() {
  const chosen = useStore(theme)
  useEffect(() => {
    if (chosen === 'system') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = chosen
  }, [chosen])
}

/** Whether the window is as narrow as a phone's; panels then become tabs. */
export function useNarrow(): boolean {
  return useSyncExternalStore(
    (changed) => {
      const query = window.matchMedia('(max-width: 760px)')
      query.addEventListener('change', changed)
      return () => query.removeEventListener('change', changed)
    },
    () => window.matchMedia('(max-width: 760px)').matches,
  )
}
