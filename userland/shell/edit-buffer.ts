/** A line being edited, by characters (code points), with readline's emacs commands on it. */
export class EditBuffer {
  characters: string[] = []
  cursor = 0
  #killed = ''
  #lastWasKill = false
  #undo: { text: string; cursor: number }[] = []

  get text(): string {
    return this.characters.join('')
  }

  get before(): string {
    return this.characters.slice(0, this.cursor).join('')
  }

  set(text: string, cursor?: number): void {
    this.characters = [...text]
    this.cursor = cursor ?? this.characters.length
  }

  insert(text: string): void {
    this.#remember()
    const added = [...text]
    this.characters.splice(this.cursor, 0, ...added)
    this.cursor += added.length
  }

  /** Carries out the command bound to a key; false where it has none here. */
  command(key: string): boolean {
    const kill = this.#lastWasKill
    this.#lastWasKill = false
    switch (key) {
      case 'left':
      case 'ctrl-b':
        this.cursor = Math.max(0, this.cursor - 1)
        return true
      case 'right':
      case 'ctrl-f':
        this.cursor = Math.min(this.characters.length, this.cursor + 1)
        return true
      case 'home':
      case 'ctrl-a':
        this.cursor = 0
        return true
      case 'end':
      case 'ctrl-e':
        this.cursor = this.characters.length
        return true
      case 'alt-b':
      case 'ctrl-left':
      case 'alt-left':
        this.cursor = this.#wordStart()
        return true
      case 'alt-f':
      case 'ctrl-right':
      case 'alt-right':
        this.cursor = this.#wordEnd()
        return true
      case 'backspace':
      case 'ctrl-h':
        if (this.cursor > 0) this.#remove(this.cursor - 1, this.cursor)
        return true
      case 'delete':
      case 'ctrl-d':
        if (this.cursor < this.characters.length) this.#remove(this.cursor, this.cursor + 1)
        return true
      case 'ctrl-k':
        this.#kill(this.cursor, this.characters.length, kill, false)
        return true
      case 'ctrl-u':
        this.#kill(0, this.cursor, kill, true)
        return true
      case 'ctrl-w': {
        let start = this.cursor
        while (start > 0 && /\s/.test(this.characters[start - 1] as string)) start--
        while (start > 0 && !/\s/.test(this.characters[start - 1] as string)) start--
        this.#kill(start, this.cursor, kill, true)
        return true
      }
      case 'alt-backspace':
        this.#kill(this.#wordStart(), this.cursor, kill, true)
        return true
      case 'alt-d':
        this.#kill(this.cursor, this.#wordEnd(), kill, false)
        return true
      case 'ctrl-y':
        this.insert(this.#killed)
        return true
      case 'ctrl-t':
        this.#transpose()
        return true
      case 'alt-u':
      case 'alt-l':
      case 'alt-c':
        this.#changeCase(key)
        return true
      case 'ctrl-_': {
        const last = this.#undo.pop()
        if (last) this.set(last.text, last.cursor)
        return true
      }
      default:
        return false
    }
  }

  #remember(): void {
    this.#undo.push({ text: this.text, cursor: this.cursor })
    if (this.#undo.length > 200) this.#undo.shift()
  }

  #remove(from: number, to: number): string {
    this.#remember()
    const removed = this.characters.splice(from, to - from).join('')
    this.cursor = from
    return removed
  }

  #kill(from: number, to: number, continued: boolean, backwards: boolean): void {
    this.#lastWasKill = true
    if (from === to) return
    const removed = this.#remove(from, to)
    this.#killed = continued ? (backwards ? removed + this.#killed : this.#killed + removed) : removed
  }

  #wordStart(): number {
    let at = this.cursor
    while (at > 0 && !isWord(this.characters[at - 1])) at--
    while (at > 0 && isWord(this.characters[at - 1])) at--
    return at
  }

  #wordEnd(): number {
    let at = this.cursor
    while (at < this.characters.length && !isWord(this.characters[at])) at++
    while (at < this.characters.length && isWord(this.characters[at])) at++
    return at
  }

  #transpose(): void {
    if (this.cursor === 0 || this.characters.length < 2) return
    this.#remember()
    const right = Math.min(this.cursor, this.characters.length - 1)
    const [a, b] = [this.characters[right - 1] as string, this.characters[right] as string]
    this.characters[right - 1] = b
    this.characters[right] = a
    this.cursor = right + 1
  }

  #changeCase(key: string): void {
    this.#remember()
    const end = this.#wordEnd()
    const word = this.characters.slice(this.cursor, end).join('')
    const changed =
      key === 'alt-u'
        ? word.toUpperCase()
        : key === 'alt-l'
          ? word.toLowerCase()
          : word.toLowerCase().replace(/[\p{L}\p{N}]/u, (char) => char.toUpperCase())
    this.characters.splice(this.cursor, end - this.cursor, ...changed)
    this.cursor = end
  }
}

function isWord(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\p{N}]/u.test(character)
}
