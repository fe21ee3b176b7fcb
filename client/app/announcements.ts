import { createStore } from './store.ts'

/** What the polite live region says. The number makes the same sentence be read again. */
export const announcement = createStore({ text: '', number: 0 })

export function announce(text: string) {
  announcement.set({ text, number: announcement.get().number + 1 })
}
