/** The two side panels; the terminals have what is left. Widths in CSS pixels. */
export interface Panels {
  readonly story: Panel
  readonly cluster: Panel
}

export interface Panel {
  readonly width: number
  readonly shown: boolean
}

export type PanelName = keyof Panels

export const limits: Record<PanelName, { readonly min: number; readonly max: number }> = {
  story: { min: 260, max: 720 },
  cluster: { min: 200, max: 480 },
}

/**
 * Room for a sentence on the left, and for a line of `kubectl get pods -A` (about 105 columns) in the terminal; the cluster's panel is one
 * key away where a window of 1280 pixels has no room for it.
 */
export function firstPanels(window: number): Panels {
  const wide = window >= 1600
  return { story: { width: wide ? 460 : 340, shown: true }, cluster: { width: wide ? 272 : 216, shown: window >= 1440 } }
}

export function resized(panels: Panels, name: PanelName, width: number): Panels {
  const { min, max } = limits[name]
  return { ...panels, [name]: { ...panels[name], width: Math.round(Math.min(max, Math.max(min, width))) } }
}

export function toggled(panels: Panels, name: PanelName): Panels {
  return { ...panels, [name]: { ...panels[name], shown: !panels[name].shown } }
}

/**
 * The new width for a key on a separator, or undefined for a key that is none of its own. The arrow moves the line, so the
 * panel on the right grows leftwards.
 */
export function keyedWidth(name: PanelName, width: number, key: string, far: boolean): number | undefined {
  const by = (far ? 64 : 16) * (name === 'story' ? 1 : -1)
  if (key === 'ArrowRight') return width + by
  if (key === 'ArrowLeft') return width - by
  if (key === 'Home') return limits[name].min
  if (key === 'End') return limits[name].max
  return undefined
}

export function isPanels(value: unknown): value is Panels {
  const panels = value as Panels
  return (
    typeof value === 'object' &&
    value !== null &&
    [panels.story, panels.cluster].every((panel) => Number.isFinite(panel?.width) && typeof panel?.shown === 'boolean')
  )
}
