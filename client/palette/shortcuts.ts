/**
 * Chords such as "Alt+Shift+N", matched by the key's place where it is a letter or digit, since Alt changes the letter on a Mac.
 * All of them hold Ctrl+Shift or Alt, so that a terminal keeps every plain and Ctrl key for its programs.
 */
export type Chord = string

export function matches(chord: Chord, event: Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'shiftKey' | 'altKey' | 'metaKey'>): boolean {
  const parts = chord.split('+')
  const key = parts.at(-1)!
  if (event.ctrlKey !== parts.includes('Ctrl')) return false
  if (event.shiftKey !== parts.includes('Shift')) return false
  if (event.altKey !== parts.includes('Alt')) return false
  if (event.metaKey !== parts.includes('Meta')) return false
  return event.code === `Key${key}` || event.code === `Digit${key}` || event.key === key
}

/** A chord as keyboards label it. */
export function keysText(chord: Chord): string {
  return chord.replace('ArrowUp', '↑').replace('ArrowDown', '↓')
}

/** Whether the palette is asked for. Ctrl-K kills a line in a shell, so there it takes Shift as well; Cmd-K is free everywhere. */
export function opensPalette(event: KeyboardEvent, inTerminal: boolean): boolean {
  return matches('Ctrl+Shift+K', event) || matches('Meta+K', event) || (!inTerminal && matches('Ctrl+K', event))
}

export function inTerminal(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('.xterm') !== null
}

export function inField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}
