import { lazy, Suspense } from 'react'
import type { SendCommand } from '../markdown/Code.tsx'

const Markdown = lazy(() => import('../markdown/Markdown.tsx'))

/** A lab's Markdown; plain text until the renderer has come, so that there is something to read at once. */
export function Prose({ text, onSend }: { readonly text: string; readonly onSend?: SendCommand }) {
  return (
    <Suspense fallback={<div className="prose-waiting">{text}</div>}>
      <Markdown text={text} {...(onSend === undefined ? {} : { onSend })} />
    </Suspense>
  )
}
