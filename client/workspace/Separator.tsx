import type { PointerEvent } from 'react'
import { t } from '../texts/text.ts'
import { keyedWidth, limits, type PanelName } from './panels.ts'

interface SeparatorProps {
  readonly name: PanelName
  readonly width: number
  readonly onWidth: (width: number) => void
  readonly onToggle: () => void
}

/** Drag it, or move it with the arrow keys; Enter or a double click hides the panel. */
export function Separator({ name, width, onWidth, onToggle }: SeparatorProps) {
  function drag(event: PointerEvent<HTMLDivElement>) {
    const from = event.clientX
    const line = event.currentTarget
    const sign = name === 'story' ? 1 : -1
    line.setPointerCapture(event.pointerId)
    const moved = (move: globalThis.PointerEvent) => onWidth(width + sign * (move.clientX - from))
    const done = () => {
      line.removeEventListener('pointermove', moved)
      line.removeEventListener('pointerup', done)
      line.removeEventListener('pointercancel', done)
    }
    line.addEventListener('pointermove', moved)
    line.addEventListener('pointerup', done)
    line.addEventListener('pointercancel', done)
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a separator that can be moved is no hr
    <div
      className="separator"
      role="separator"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label={t('panel.resize', { name: t(`panel.${name}`) })}
      aria-controls={`panel-${name}`}
      aria-valuenow={width}
      aria-valuemin={limits[name].min}
      aria-valuemax={limits[name].max}
      onPointerDown={drag}
      onDoubleClick={onToggle}
      onKeyDown={(event) => {
        const next = keyedWidth(name, width, event.key, event.shiftKey)
        if (next !== undefined) onWidth(next)
        else if (event.key === 'Enter') onToggle()
        else return
        event.preventDefault()
      }}
    />
  )
}
