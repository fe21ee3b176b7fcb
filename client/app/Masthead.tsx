import { Link } from '@tanstack/react-router'
import { IconButton } from '../design/Button.tsx'
import { Icon, Mark } from '../design/icons.tsx'
import { paletteOpen } from '../palette/CommandPalette.tsx'
import { t } from '../texts/text.ts'
import { useStore } from './store.ts'
import { nextTheme, theme } from './theme.ts'
import './masthead.css'

export function Masthead() {
  return (
    <header className="masthead">
      <Link to="/" className="masthead__name">
        <Mark />
        {t('product.name')}
      </Link>
      <HeaderTools />
    </header>
  )
}

export function HeaderTools() {
  const now = useStore(theme)
  return (
    <div className="header-tools">
      <IconButton label={t('workspace.commands')} keys="Ctrl+Shift+K" onClick={() => paletteOpen.set(true)}>
        <Icon name="command" />
      </IconButton>
      <IconButton label={t('theme.next', { now: t(`theme.${now}`) })} onClick={() => theme.set(nextTheme(now))}>
        <Icon name={now === 'light' ? 'sun' : now === 'dark' ? 'moon' : 'system'} />
      </IconButton>
    </div>
  )
}
