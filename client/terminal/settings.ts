import { rememberedStore } from '../app/store.ts'

const smallest = 10
const largest = 24

/** CSS pixels. */
export const fontSize = rememberedStore(
  'terminal.fontSize',
  13,
  (value): value is number => typeof value === 'number' && value >= smallest && value <= largest,
)
export const screenReader = rememberedStore('terminal.screenReader', false, (value): value is boolean => typeof value === 'boolean')

export function changeFontSize(by: number) {
  fontSize.set(Math.min(largest, Math.max(smallest, fontSize.get() + by)))
}
