import { en } from './en.ts'

export type TextKey = keyof typeof en

type Placeholders<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Placeholders<Rest> : never
type Values<Key extends TextKey> = [Placeholders<(typeof en)[Key]>] extends [never]
  ? []
  : [values: Record<Placeholders<(typeof en)[Key]>, string | number>]

/** The text of `key` with its `{placeholders}` filled in; a missing key or value does not compile. */
export function t<Key extends TextKey>(key: Key, ...[values]: Values<Key>): string {
  const text: string = en[key]
  if (values === undefined) return text
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String((values as Record<string, string | number>)[name] ?? whole))
}

type Plural = { [Key in TextKey]: Key extends `${infer Stem}.other` ? Stem : never }[TextKey]

const rules = new Intl.PluralRules('en')

/** `stem.one` or `stem.other`, by the language's own rule, with `{count}` filled in. */
export function counted(stem: Plural, count: number): string {
  const form = `${stem}.${rules.select(count)}`
  const text: string = form in en ? en[form as TextKey] : en[`${stem}.other` as TextKey]
  return text.replace('{count}', String(count))
}

/** Minutes and seconds, with hours where there are some: "4:07", "1:04:07". */
export function clock(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return (parts[0] === 0 ? parts.slice(1) : parts).map((part, index) => (index === 0 ? part : String(part).padStart(2, '0'))).join(':')
}

/** A short duration as a person would say it: "3 ms", "1.2 s". */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return t('time.milliseconds', { count: Math.round(milliseconds) })
  return t('time.seconds', { count: (milliseconds / 1000).toFixed(milliseconds < 10_000 ? 1 : 0) })
}
