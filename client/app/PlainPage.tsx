import type { ReactNode } from 'react'
import { Fault } from '../design/Fault.tsx'
import { Masthead } from './Masthead.tsx'

interface PlainPageProps {
  readonly title: string
  readonly text?: string
  readonly mend?: string
  readonly alert?: boolean
  readonly children?: ReactNode
}

/** A page with one thing to say. */
export function PlainPage({ title, text, mend, alert, children }: PlainPageProps) {
  return (
    <>
      <Masthead />
      <main id="content" className="plain-page" tabIndex={-1}>
        <Fault at={40} />
        <div role={alert ? 'alert' : undefined}>
          <h1>{title}</h1>
          {text !== undefined && <p>{text}</p>}
          {mend !== undefined && <p>{mend}</p>}
        </div>
        <div className="plain-page__actions">{children}</div>
      </main>
    </>
  )
}
