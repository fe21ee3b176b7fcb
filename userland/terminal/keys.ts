/** A key as pressed: `text` for characters and pastes, a name for everything else (`up`, `ctrl-a`, `alt-b`, `enter`). */
export interface Key {
  readonly name: string
  readonly text: string
}

const finals: Record<string, string> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  H: 'home',
  F: 'end',
  Z: 'backtab',
  P: 'f1',
  Q: 'f2',
  R: 'f3',
  S: 'f4',
}
const tildes: Record<string, string> = {
  1: 'home',
  2: 'insert',
  3: 'delete',
  4: 'end',
  5: 'pageup',
  6: 'pagedown',
  7: 'home',
  8: 'end',
  15: 'f5',
}
const pasteStart = '\x1b[200~'
const pasteEnd = '\x1b[201~'

/** Turns the bytes of a keyboard (xterm's sequences) into keys; state carries over between chunks. */
export class KeyDecoder {
  readonly #decoder = new TextDecoder()
  readonly #alt: boolean
  #rest = ''
  #paste: string | undefined

  /** `alt: false` where Escape is a command of its own (vi): what follows it at once is then not taken for an Alt key. */
  constructor(options: { alt: boolean } = { alt: true }) {
    this.#alt = options.alt
  }

  feed(bytes: Uint8Array): Key[] {
    let text = this.#rest + this.#decoder.decode(bytes, { stream: true })
    this.#rest = ''
    const keys: Key[] = []
    while (text !== '') {
      if (this.#paste !== undefined) {
        const all = this.#paste + text
        const end = all.indexOf(pasteEnd)
        if (end < 0) {
          this.#paste = all
          break
        }
        keys.push({ name: 'paste', text: all.slice(0, end).replace(/\r\n?/g, '\n') })
        this.#paste = undefined
        text = all.slice(end + pasteEnd.length)
        continue
      }
      if (text.startsWith(pasteStart)) {
        this.#paste = ''
        text = text.slice(pasteStart.length)
        continue
      }
      const sequence = /^\x1b(?:\[[0-9;?]*[A-Za-z~]|O[A-DFHP-S])/.exec(text)
      if (sequence) {
        keys.push(named(sequence[0]))
        text = text.slice(sequence[0].length)
        continue
      }
      // A sequence may be cut in two by the network; a lone escape is the Escape key.
      if (/^\x1b\[[0-9;?]*$/.test(text) || (this.#alt && text === '\x1bO')) {
        this.#rest = text
        break
      }
      const character = String.fromCodePoint(text.codePointAt(0) as number)
      if (character === '\x1b' && text.length > 1 && this.#alt) {
        const next = String.fromCodePoint(text.codePointAt(1) as number)
        keys.push({ name: `alt-${plain(next).name === 'text' ? next : plain(next).name}`, text: next })
        text = text.slice(1 + next.length)
        continue
      }
      keys.push(plain(character))
      text = text.slice(character.length)
    }
    return keys
  }
}

function named(sequence: string): Key {
  const match = /^\x1b(?:\[|O)(\d*)(?:;(\d+))?([A-Za-z~])$/.exec(sequence)
  const base = match && (match[3] === '~' ? tildes[match[1] as string] : finals[match[3] as string])
  if (!match || !base) return { name: 'unknown', text: sequence }
  // xterm's modifier parameter is 1 + shift 1, alt 2, control 4.
  const modifier = Number(match[2] ?? '1') - 1
  return { name: `${modifier & 4 ? 'ctrl-' : ''}${modifier & 2 ? 'alt-' : ''}${base}`, text: '' }
}

function plain(character: string): Key {
  switch (character) {
    case '\r':
    case '\n':
      return { name: 'enter', text: '\n' }
    case '\t':
      return { name: 'tab', text: '\t' }
    case '\x7f':
    case '\b':
      return { name: 'backspace', text: '' }
    case '\x1b':
      return { name: 'escape', text: '' }
    case '\0':
      return { name: 'ctrl-@', text: '' }
  }
  const code = character.charCodeAt(0)
  if (code < 0x20) return { name: `ctrl-${code < 0x1b ? String.fromCharCode(code + 96) : String.fromCharCode(code + 64)}`, text: '' }
  return { name: 'text', text: character }
}
