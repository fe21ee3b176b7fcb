import type { ByteSource } from '../../simulator/streams.ts'
import type { Terminal } from '../../simulator/terminal.ts'
import type { Key } from '../terminal/keys.ts'
import { KeyDecoder } from '../terminal/keys.ts'
import { columnsOf } from '../terminal/width.ts'
import { EditBuffer } from './edit-buffer.ts'
import { LineView } from './line-view.ts'

/** What Tab found: candidates for the text from `start` (in characters) to the cursor. */
export interface Completion {
  readonly start: number
  readonly candidates: readonly string[]
  /** What stands after a unique candidate: a blank, or nothing after a directory's slash. */
  readonly suffix: (candidate: string) => string
  /** How candidates are listed, where that differs from what is inserted: a path's last part. */
  readonly label?: (candidate: string) => string
}

export interface LineEditorOptions {
  readonly terminal: Terminal
  readonly source: ByteSource
  readonly signal: AbortSignal
  readonly history: readonly string[]
  complete(before: string): Promise<Completion>
}

export type LineResult = { kind: 'line'; text: string } | { kind: 'interrupt' } | { kind: 'end' }

interface Search {
  query: string
  at: number
  failed: boolean
  before: string
}

/** Readline's emacs mode on a terminal. Keys typed ahead wait for the next line. */
export class LineEditor {
  readonly #options: LineEditorOptions
  readonly #decoder = new KeyDecoder()
  readonly #view: LineView
  readonly #buffer = new EditBuffer()
  #waiting: Key[] = []
  #prompt = ''
  #historyAt = 0
  /** Lines of the history as changed while walking through it; forgotten with the line. */
  #edited = new Map<number, string>()
  #search: Search | undefined
  #lastTab = false
  #literal = false

  constructor(options: LineEditorOptions) {
    this.#options = options
    this.#view = new LineView(options.terminal.sink, () => options.terminal.columns)
  }

  /** Reads one line. Rejects with the signal's reason. */
  async read(prompt: string): Promise<LineResult> {
    const { terminal, source, signal } = this.#options
    const cook = terminal.enterRaw()
    const resized = terminal.onResize(() => {
      this.#view.invalidate()
      this.#draw()
    })
    this.#prompt = prompt
    this.#buffer.set('')
    this.#historyAt = this.#options.history.length
    this.#edited.clear()
    this.#search = undefined
    this.#view.freshRow()
    void terminal.sink.write('\x1b[?2004h').catch(() => {})
    this.#draw()
    try {
      for (;;) {
        const key = this.#waiting.shift()
        if (key) {
          const result = await this.#press(key)
          if (result) return result
          continue
        }
        const bytes = await source.read(signal)
        if (!bytes) return { kind: 'end' }
        this.#waiting.push(...this.#decoder.feed(bytes))
      }
    } finally {
      resized.close()
      void terminal.sink.write('\x1b[?2004l').catch(() => {})
      cook()
    }
  }

  #draw(): void {
    const prompt = this.#search ? `(${this.#search.failed ? 'failed ' : ''}reverse-i-search)\`${this.#search.query}': ` : this.#prompt
    this.#view.draw(prompt, this.#buffer.characters, this.#buffer.cursor)
  }

  /** Carries out one key. A promise only where completion has to wait; everything else is done in the key's own tick. */
  #press(key: Key): LineResult | undefined | Promise<LineResult | undefined> {
    const tabbed = this.#lastTab
    this.#lastTab = false
    if (this.#literal) {
      this.#literal = false
      this.#buffer.insert(
        key.name.startsWith('ctrl-') ? String.fromCharCode(key.name.charCodeAt(5) & 31) : key.name === 'escape' ? '\x1b' : key.text,
      )
      this.#draw()
      return undefined
    }
    if (this.#search && this.#searchKey(key)) return undefined
    switch (key.name) {
      case 'enter':
        return this.#accept()
      case 'ctrl-c':
        this.#view.finish(this.#prompt, this.#buffer.characters, '^C')
        return { kind: 'interrupt' }
      case 'ctrl-d':
        if (this.#buffer.characters.length > 0) break
        return { kind: 'end' }
      case 'tab':
        return this.#complete(tabbed).then(() => undefined)
      case 'ctrl-l':
        void this.#options.terminal.sink.write('\x1b[H\x1b[2J').catch(() => {})
        this.#view.reset()
        this.#draw()
        return undefined
      case 'up':
      case 'ctrl-p':
        return this.#walkHistory(-1)
      case 'down':
      case 'ctrl-n':
        return this.#walkHistory(1)
      case 'alt-<':
        return this.#walkHistory(-this.#historyAt)
      case 'alt->':
        return this.#walkHistory(this.#options.history.length - this.#historyAt)
      case 'alt-.':
      case 'alt-_': {
        const last = this.#options.history.at(-1)?.split(/\s+/).at(-1)
        if (last) this.#buffer.insert(last)
        this.#draw()
        return undefined
      }
      case 'ctrl-r':
        this.#search = { query: '', at: this.#options.history.length, failed: false, before: this.#buffer.text }
        this.#draw()
        return undefined
      case 'ctrl-v':
        this.#literal = true
        return undefined
      case 'text':
      case 'paste':
        this.#buffer.insert(key.name === 'paste' ? key.text.replace(/\n$/, '') : key.text)
        this.#draw()
        return undefined
    }
    if (this.#buffer.command(key.name)) this.#draw()
    return undefined
  }

  #accept(): LineResult {
    const text = this.#buffer.text
    this.#search = undefined
    this.#view.finish(this.#prompt, this.#buffer.characters)
    return { kind: 'line', text }
  }

  #walkHistory(by: number): undefined {
    const { history } = this.#options
    const to = Math.max(0, Math.min(history.length, this.#historyAt + by))
    if (to === this.#historyAt) return this.#bell()
    this.#edited.set(this.#historyAt, this.#buffer.text)
    this.#historyAt = to
    this.#buffer.set(this.#edited.get(to) ?? history[to] ?? '')
    this.#draw()
    return undefined
  }

  #bell(): undefined {
    void this.#options.terminal.sink.write('\x07').catch(() => {})
    return undefined
  }

  /** A key during ^R; false where it ends the search and is then carried out on the line found. */
  #searchKey(key: Key): boolean {
    const search = this.#search as Search
    switch (key.name) {
      case 'text':
        search.query += key.text
        this.#find(search, Math.min(search.at, this.#options.history.length - 1))
        return true
      case 'backspace':
      case 'ctrl-h':
        search.query = [...search.query].slice(0, -1).join('')
        this.#find(search, this.#options.history.length - 1)
        return true
      case 'ctrl-r':
        this.#find(search, search.at - 1)
        return true
      case 'ctrl-g':
        this.#search = undefined
        this.#buffer.set(search.before)
        this.#draw()
        return true
      case 'ctrl-c':
        this.#search = undefined
        return false
      default:
        this.#search = undefined
        if (!search.failed && search.query !== '') this.#historyAt = search.at
        this.#draw()
        return key.name === 'escape'
    }
  }

  #find(search: Search, from: number): void {
    const { history } = this.#options
    search.failed = false
    if (search.query !== '') {
      let at = from
      while (at >= 0 && !(history[at] as string).includes(search.query)) at--
      if (at < 0) {
        search.failed = true
        this.#bell()
      } else {
        const line = history[at] as string
        search.at = at
        this.#buffer.set(line, [...line.slice(0, line.indexOf(search.query))].length)
      }
    }
    this.#draw()
  }

  async #complete(again: boolean): Promise<void> {
    const { terminal } = this.#options
    const { start, candidates, suffix, label } = await this.#options.complete(this.#buffer.before)
    if (candidates.length === 0) {
      this.#bell()
      return
    }
    const typed = this.#buffer.characters.slice(start, this.#buffer.cursor).join('')
    const common = commonPrefix(candidates)
    const replace = (text: string) => {
      const { characters, cursor } = this.#buffer
      this.#buffer.set([...characters.slice(0, start), text, ...characters.slice(cursor)].join(''), start + [...text].length)
    }
    if (candidates.length === 1) {
      replace(common + suffix(common))
      this.#draw()
      return
    }
    if (common.length > typed.length) {
      replace(common)
      this.#draw()
      return
    }
    if (!again) {
      this.#lastTab = true
      this.#bell()
      return
    }
    const labels = candidates.map((candidate) => (label ? label(candidate) : candidate))
    this.#view.finish(this.#prompt, this.#buffer.characters)
    void terminal.sink.write(`${columnsOf(labels, terminal.columns).join('\r\n')}\r\n`).catch(() => {})
    this.#draw()
  }
}

function commonPrefix(texts: readonly string[]): string {
  let prefix = texts[0] ?? ''
  for (const text of texts) while (!text.startsWith(prefix)) prefix = prefix.slice(0, -1)
  return prefix
}
