import { t } from '../texts/text.ts'

/** Says plainly what a lab runs on: a simulation is hollow, a real cluster is solid. */
export function Engine({ name }: { readonly name: 'simulated' | 'kind' }) {
  return (
    <span className={name === 'kind' ? 'badge badge--solid' : 'badge'} title={t(`engine.${name}.meaning`)}>
      <span className="badge__dot" />
      {t(`engine.${name}`)}
    </span>
  )
}
