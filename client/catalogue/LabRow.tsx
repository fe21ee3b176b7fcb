import { Menu } from '@base-ui/react/menu'
import type { LabSummary } from '../../protocol/catalogue.ts'
import type { RefusedError } from '../connection/http.ts'
import type { StartRequest } from '../connection/sessions.ts'
import { Button, IconButton } from '../design/Button.tsx'
import { Icon } from '../design/icons.tsx'
import { Notice } from '../design/Notice.tsx'
import { counted, t } from '../texts/text.ts'

interface LabRowProps {
  readonly lab: LabSummary
  readonly starting: boolean
  readonly busy: boolean
  readonly refusal: RefusedError | undefined
  readonly onStart: (start: StartRequest) => void
  readonly onContinue: (session: string) => void
  readonly onSymptom: (symptom: string) => void
  readonly onNear: () => void
}

export function LabRow({ lab, starting, busy, refusal, onStart, onContinue, onSymptom, onNear }: LabRowProps) {
  const { nodes, cni, kubernetes } = lab.cluster
  const title = lab.title
  return (
    <li className="lab" aria-labelledby={`lab-${lab.id}`} onPointerEnter={onNear} onFocus={onNear}>
      <Level level={lab.level} />
      <div className="lab__about">
        <h3 className="lab__title" id={`lab-${lab.id}`}>
          {title}
          <Standing lab={lab} />
        </h3>
        <p className="lab__summary">{lab.summary}</p>
        <ul className="lab__symptoms" aria-label={t('catalogue.symptoms', { title })}>
          {lab.symptoms.map((symptom) => (
            <li key={symptom}>
              <button type="button" title={t('catalogue.symptom', { symptom })} onClick={() => onSymptom(symptom)}>
                {symptom}
              </button>
            </li>
          ))}
        </ul>
      </div>
      <ul className="lab__facts">
        <li>{t('time.minutes', { count: lab.minutes })}</li>
        <li>
          {counted('catalogue.nodes', nodes)}, {cni}
        </li>
        <li className="lab__version">{kubernetes.replace(/^v?/, 'v')}</li>
      </ul>
      <div className="lab__start">
        {lab.session === undefined ? (
          <StartButtons lab={lab} starting={starting} busy={busy} onStart={onStart} />
        ) : (
          <Button
            look="primary"
            aria-label={t('catalogue.continue.named', { title })}
            onClick={() => onContinue(lab.session!)}
            icon={<Icon name="forward" />}
          >
            {t('catalogue.continue')}
          </Button>
        )}
      </div>
      {refusal !== undefined && (
        <div className="lab__refusal" role="alert" ref={intoView}>
          <Notice tone="fail" text={refusal.message} mend={refusal.mend} />
        </div>
      )}
    </li>
  )
}

function intoView(element: HTMLElement | null) {
  element?.scrollIntoView({ block: 'nearest' })
}

function Level({ level }: { readonly level: LabSummary['level'] }) {
  const steps = { beginner: 1, intermediate: 2, advanced: 3 }[level]
  return (
    <span className="level" role="img" aria-label={t(`level.${level}`)} title={t(`level.${level}`)}>
      {[1, 2, 3].map((number) => (
        <span key={number} className={number <= steps ? 'level__bar level__bar--full' : 'level__bar'} />
      ))}
    </span>
  )
}

function Standing({ lab }: { readonly lab: LabSummary }) {
  if (lab.session !== undefined) return <span className="standing standing--open">{t('catalogue.open')}</span>
  if (lab.best === undefined) return null
  const score = { best: lab.best, points: lab.points }
  if (lab.best < lab.points) return <span className="standing">{t('catalogue.best', score)}</span>
  return (
    <span className="standing standing--done">
      <Icon name="tick" />
      {t('catalogue.done', score)}
    </span>
  )
}

interface StartButtonsProps {
  readonly lab: LabSummary
  readonly starting: boolean
  readonly busy: boolean
  readonly onStart: (start: StartRequest) => void
}

function StartButtons({ lab, starting, busy, onStart }: StartButtonsProps) {
  const title = lab.title
  const offer = lab.engines.find((engine) => engine.available)
  if (offer === undefined) {
    const why = lab.engines[0]
    return (
      <div className="lab__unavailable">
        <p>{why?.reason ?? t('catalogue.unavailable')}</p>
        {why?.mend !== undefined && <p className="lab__mend">{why.mend}</p>}
      </div>
    )
  }
  const again = lab.best !== undefined
  return (
    <div className="start">
      <Button
        look={again ? 'plain' : 'primary'}
        aria-label={t(starting ? 'catalogue.starting.named' : again ? 'catalogue.again.named' : 'catalogue.start.named', { title })}
        aria-disabled={busy}
        onClick={() => !busy && onStart({ lab: lab.id, engine: offer.name })}
      >
        {starting ? t('catalogue.starting') : t(again ? 'catalogue.again' : 'catalogue.start')}
      </Button>
      {lab.engines.length > 1 && (
        <Menu.Root>
          <Menu.Trigger
            render={
              <IconButton look={again ? 'plain' : 'primary'} label={t('catalogue.startOn', { title })} aria-disabled={busy}>
                <Icon name="down" />
              </IconButton>
            }
          />
          <Menu.Portal>
            <Menu.Positioner className="menu__place" sideOffset={4} align="end">
              <Menu.Popup className="menu engines">
                {lab.engines.map((engine) => (
                  <Menu.Item
                    key={engine.name}
                    className="menu__item engines__item"
                    disabled={!engine.available}
                    onClick={() => onStart({ lab: lab.id, engine: engine.name })}
                  >
                    <span>
                      <span className="engines__name">{t('catalogue.startOn.engine', { engine: t(`engine.${engine.name}.long`) })}</span>
                      <span className="engines__note">
                        {engine.available ? t(`engine.${engine.name}.meaning`) : [engine.reason, engine.mend].filter(Boolean).join(' ')}
                      </span>
                    </span>
                  </Menu.Item>
                ))}
              </Menu.Popup>
            </Menu.Positioner>
          </Menu.Portal>
        </Menu.Root>
      )}
    </div>
  )
}
