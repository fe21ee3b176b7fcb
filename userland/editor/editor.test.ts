import { describe, expect, test } from 'vitest'
import { filters } from '../filters/catalogue.ts'
import { Host } from '../testing/host.ts'
import { screenOf } from '../testing/screen.ts'
import { editors } from './catalogue.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const path = '/home/learner/f.yaml'

async function edit(editor: string, content: string | undefined, size: [number, number] = [60, 12]) {
  const host = new Host({ commands: { ...filters, ...editors }, turn, files: content === undefined ? {} : { [path]: content } })
  const screen = screenOf(...size)
  const process = host.start([editor, 'f.yaml'], { terminal: screen.terminal })
  await screen.settle(host, 1)
  return { host, screen, exit: process.exit, type: (keys: string) => screen.type(host, keys), content: () => host.files.readText(path) }
}

describe('nano', () => {
  test('shows the file, its name, what it read, and the keys', async () => {
    const { screen } = await edit('nano', 'a: 1\nb: 2\n')
    const lines = screen.lines()
    expect(lines[0]).toMatch(/^ {2}GNU nano 7\.2 +f\.yaml/)
    expect(lines.slice(1, 3)).toEqual(['a: 1', 'b: 2'])
    expect(lines[9]?.trim()).toBe('[ Read 2 lines ]')
    expect(lines[10]).toContain('^G Help')
    expect(lines[11]).toContain('^X Exit')
    expect(screen.cursor()).toEqual({ row: 1, column: 0 })
  })

  test('types, saves with ^O, and leaves with ^X; the terminal is as it was', async () => {
    const { screen, type, content, exit } = await edit('nano', 'a: 1\n')
    await type('x\x1b[B')
    expect(screen.lines()[0]).toContain('Modified')
    await type('\x0f')
    expect(screen.lines()[9]).toBe('File Name to Write: f.yaml')
    await type('\r')
    expect(screen.lines()[9]?.trim()).toBe('[ Wrote 1 line ]')
    expect(content()).toBe('xa: 1\n')
    await type('\x18')
    expect(await exit).toBe(0)
    expect(screen.terminal.raw).toBe(false)
    expect(screen.text()).toBe('')
  })

  test('asks at ^X: N discards, ^C stays, Y saves', async () => {
    const discarded = await edit('nano', 'a\n')
    await discarded.type('zzz\x18')
    expect(discarded.screen.lines()[9]).toBe('Save modified buffer?')
    await discarded.type('\x03')
    expect(discarded.screen.lines()[9]?.trim()).toBe('[ Cancelled ]')
    await discarded.type('\x18n')
    expect(await discarded.exit).toBe(0)
    expect(discarded.content()).toBe('a\n')
    const saved = await edit('nano', 'a\n')
    await saved.type('zzz\x18y\r')
    expect(await saved.exit).toBe(0)
    expect(saved.content()).toBe('zzza\n')
  })

  test('an unchanged file is not written', async () => {
    const { host, type, content } = await edit('nano', 'no newline')
    const before = host.files.stat(path)
    await type('\x1b[B\x1b[C\x18')
    expect(content()).toBe('no newline')
    expect(host.files.stat(path)).toEqual(before)
  })

  test('searches, cuts lines together and pastes them, undoes', async () => {
    const { screen, type, content } = await edit('nano', 'one\ntwo\nthree\nfour\n')
    await type('\x17thr\r')
    expect(screen.cursor()).toEqual({ row: 3, column: 0 })
    await type('\x0b\x0b\x1b[1;5H')
    await type('\x15')
    await type('\x0f\r')
    expect(content()).toBe('three\nfour\none\ntwo\n')
    await type('\x1bu\x0f\r')
    expect(content()).toBe('one\ntwo\n')
    await type('\x17nothere\r')
    expect(screen.lines()[9]?.trim()).toBe('[ "nothere" not found ]')
  })

  test('scrolls, goes to a line, replaces, and survives a resize', async () => {
    const { screen, type } = await edit('nano', Array.from({ length: 50 }, (_, index) => `line ${index + 1}\n`).join(''))
    await type('\x1f40\r')
    expect(screen.lines()).toContain('line 40')
    screen.resize(70, 16)
    await type('\x03')
    expect(screen.lines()).toContain('line 40')
    expect(screen.lines()[13]?.trim()).toMatch(/^\[ line 40\/51/)
    await type('\x1cline 40\rLINE\r')
    expect(screen.lines()).toContain('LINE')
  })

  test('says when it is no terminal', async () => {
    const host = new Host({ commands: editors, turn })
    const result = await host.run(['nano', 'x'])
    expect(result).toEqual({ stdout: '', stderr: 'nano: Standard input is not a terminal\n', status: 1 })
  })
})

describe('vi', () => {
  test('shows the file with tildes below, modes and messages', async () => {
    const { screen, type } = await edit('vi', 'a: 1\n')
    expect(screen.lines().slice(0, 3)).toEqual(['a: 1', '~', '~'])
    expect(screen.lines()[11]).toMatch(/^"f\.yaml" 1L, 5B +1,1/)
    await type('i')
    expect(screen.lines()[11]).toMatch(/^-- INSERT --/)
    await type('\x1b')
    expect(screen.lines()[11]).toMatch(/^ +1,1/)
  })

  /** Keys on a file, and what `:wq` writes. */
  const edits: [string, string, string, string][] = [
    ['i, a, I, A', 'mid\n', 'ix\x1bay\x1bIs\x1bAe\x1b', 'sxymide\n'],
    ['o and O keep the indent', '  a\n', 'ob\x1bOc\x1b', '  a\n  c\n  b\n'],
    ['x, X, r, ~', 'abcdef\n', 'x~rXlX', 'Bdef\n'],
    ['dd and p', '1\n2\n3\n', 'ddp', '2\n1\n3\n'],
    ['counts: 2dd, P', '1\n2\n3\n', '2ddP', '1\n2\n3\n'],
    ['dw, d2w, d$', 'one two three four\n', 'dwd2wx', 'our\n'],
    ['cw changes to the word’s end', 'foo bar\n', 'cwbaz\x1b', 'baz bar\n'],
    ['cc keeps the indent, C', '  old: 1\nx y\n', 'ccnew\x1bjbCz\x1b', '  new\nz\n'],
    ['yy and P, yw and p', 'a b\n', 'yyPywA \x1bp', 'a b a \na b\n'],
    ['J joins', 'a\n  b\nc\n', 'JJ', 'a b c\n'],
    ['u and ^R', 'abc\n', 'xxuu\x12', 'bc\n'],
    ['. repeats a change', 'a a a\n', 'cwb\x1bw.w.', 'b b b\n'],
    ['. repeats dd', '1\n2\n3\n4\n', 'dd..', '4\n'],
    ['>> and <<', 'a\nb\n', '>>j>><<', '  a\nb\n'],
    ['V with >, and counts', 'a\nb\nc\n', 'Vj>', '  a\n  b\nc\n'],
    ['v with d', 'abcdef\n', 'lvlld', 'aef\n'],
    ['V with d, then p', '1\n2\n3\n', 'Vjdp', '3\n1\n2\n'],
    ['G, gg, 2G', '1\n2\n3\n', 'Gxggx2Gx', '\n\n\n'],
    ['/ and n', 'x\nfoo\nfoo\n', '/foo\rnx', 'x\nfoo\noo\n'],
    ['? goes back', 'foo\nx\nfoo\n', 'j?foo\rx', 'oo\nx\nfoo\n'],
    ['%', 'a(b)c\n', '%x', 'a(bc\n'],
    ['f and t with d', 'key: value here\n', 'f:dt ', 'key value here\n'],
    ['ci"', 'x: "old"\n', 'foci"new\x1b', 'x: "new"\n'],
    [':%s with groups', 'a-b\nc-d\n', ':%s/\\(.\\)-\\(.\\)/\\2-\\1/\r', 'b-a\nd-c\n'],
    [':2,3d', '1\n2\n3\n4\n', ':2,3d\r', '1\n4\n'],
    [':3 goes there', '1\n2\n3\n', ':3\rx', '1\n2\n\n'],
    ['insert: enter keeps the indent, tab is two blanks in YAML', 'a:\n', 'A\r\tb: 1\rc: 2\x1b', 'a:\n  b: 1\n  c: 2\n'],
    ['an empty file is filled', '', 'ihello\x1b', 'hello\n'],
  ]
  test.each(edits)('%s', async (_, before, keys, after) => {
    const { type, content, exit } = await edit('vi', before)
    await type(keys)
    await type(':wq\r')
    expect(await exit).toBe(0)
    expect(content()).toBe(after)
  })

  test(':q refuses with changes, :q! and ZQ discard, :x does not write an unchanged file, :cq fails', async () => {
    const one = await edit('vim', 'a\n')
    await one.type('x:q\r')
    expect(one.screen.lines()[11]).toMatch(/^E37: No write since last change/)
    await one.type(':q!\r')
    expect(await one.exit).toBe(0)
    expect(one.content()).toBe('a\n')
    const two = await edit('vim', 'no newline')
    await two.type('ZZ')
    expect(await two.exit).toBe(0)
    expect(two.content()).toBe('no newline')
    const three = await edit('vim', 'a\n')
    await three.type(':cq\r')
    expect(await three.exit).toBe(1)
  })

  test('refuses unknown commands and patterns by name', async () => {
    const { screen, type } = await edit('vi', 'a\n')
    await type(':frob\r')
    expect(screen.lines()[11]).toMatch(/^E492: Not an editor command: frob/)
    await type('/zzz\r')
    expect(screen.lines()[11]).toMatch(/^E486: Pattern not found: zzz/)
  })

  test('writes a new file and says so', async () => {
    const { screen, type, content } = await edit('vi', undefined)
    expect(screen.lines()[11]).toMatch(/^"f\.yaml" \[New\]/)
    await type('ia\x1b:w\r')
    expect(screen.lines()[11]).toMatch(/^"f\.yaml" \[New\] 1L, 2B written/)
    expect(content()).toBe('a\n')
  })
})

test.each([
  ['vi', '--version', /^VIM - Vi IMproved 9\.0/],
  ['vi', '--help', /Usage: vim/],
  ['nano', '--version', /^ GNU nano, version 7\.2/],
  ['less', '--version', /^less 590/],
])('%s %s answers and ends', async (name, option, output) => {
  const host = new Host({ commands: { ...filters, ...editors }, turn })
  const screen = screenOf()
  const process = host.start([name, option], { terminal: screen.terminal })
  expect(await process.exit).toBe(0)
  await screen.settle(host, 1)
  expect(screen.text().replace(/^\n/, '')).toMatch(output)
})
