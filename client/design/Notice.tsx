import type { ReactNode } from 'react'
import { Icon, type IconName } from './icons.tsx'

interface NoticeProps {
  readonly tone?: 'fail' | 'pass' | 'plain'
  readonly icon?: IconName
  readonly text: string
  readonly mend?: string
  readonly actions?: ReactNode
}

/** One sentence, and how to mend it. */
export function Notice({ tone = 'plain', icon, text, mend, actions }: NoticeProps) {
  return (
    <div className={`notice notice--${tone}`}>
      <Icon name={icon ?? (tone === 'fail' ? 'warning' : tone === 'pass' ? 'tick' : 'clock')} />
      <div>
        <p className="notice__text">{text}</p>
        {mend !== undefined && <p className="notice__mend">{mend}</p>}
      </div>
      {actions !== undefined && <div className="notice__actions">{actions}</div>}
    </div>
  )
}
