import { createStore } from './store.ts'

export interface NoticeView {
  readonly id: number
  readonly tone: 'fail' | 'pass' | 'plain'
  readonly text: string
  readonly mend?: string
}

export const notices = createStore<readonly NoticeView[]>([])
let last = 0

/** Shows a notice until it is dismissed; the same sentence is not shown twice. At most four stand at once. */
export function notify(notice: Omit<NoticeView, 'id'>) {
  const others = notices.get().filter((other) => other.text !== notice.text)
  notices.set([...others, { ...notice, id: ++last }].slice(-4))
}

export function dismiss(id: number) {
  notices.set(notices.get().filter((notice) => notice.id !== id))
}

/** Shows what went wrong, with its mend where it has one. */
export function report(error: Error & { readonly mend?: string }) {
  notify({ tone: 'fail', text: error.message, ...(error.mend === undefined ? {} : { mend: error.mend }) })
}
