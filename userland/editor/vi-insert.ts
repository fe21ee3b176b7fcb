import type { Key } from '../terminal/keys.ts'
import { screenColumn } from './screen.ts'
import type { Text } from './text.ts'
import { isYaml } from './tint.ts'
import { motion } from './vi-motions.ts'

/** One key of insert or replace mode. New lines keep the indent, and a tab is two blanks in YAML. `height` is the window's. */
export function typeInto(text: Text, key: Key, mode: 'insert' | 'replace', name: string | undefined, height: number): void {
  switch (key.name) {
    case 'enter': {
      const indent = /^\s*/.exec(text.line)?.[0] ?? ''
      text.insert(`\n${indent.slice(0, text.column)}`)
      break
    }
    case 'tab':
      text.insert(isYaml(name) ? ' '.repeat(2 - (screenColumn(text.line, text.column) % 2)) : '\t')
      break
    case 'backspace':
    case 'ctrl-h':
      if (text.column > 0) text.remove({ row: text.row, column: text.before() }, text)
      else if (text.row > 0)
        text.remove({ row: text.row - 1, column: (text.lines[text.row - 1] as string).length }, { row: text.row, column: 0 })
      break
    case 'delete':
      if (text.column < text.line.length) text.remove(text, { row: text.row, column: text.after() })
      break
    case 'ctrl-w': {
      const start = text.line.slice(0, text.column).replace(/(\w+|[^\w\s]+)?\s*$/, '').length
      text.remove({ row: text.row, column: start }, text)
      break
    }
    case 'ctrl-u':
      text.remove({ row: text.row, column: 0 }, text)
      break
    case 'up':
    case 'down':
    case 'left':
    case 'right':
    case 'home':
    case 'end':
    case 'pageup':
    case 'pagedown': {
      const target = key.name === 'end' ? { row: text.row, column: text.line.length } : motion(text, key.name, undefined, height)
      if (target) Object.assign(text, { row: target.row, column: target.column })
      text.clamp()
      break
    }
    case 'text':
    case 'paste':
      if (mode === 'replace' && key.name === 'text' && text.column < text.line.length)
        text.remove(text, { row: text.row, column: text.after() })
      text.insert(key.text)
      break
  }
}
