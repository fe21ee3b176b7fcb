import { describe, expect, test } from 'vitest'
import { filters } from '../filters/catalogue.ts'
import { Host } from '../testing/host.ts'
import { screenOf } from '../testing/screen.ts'
import { shells } from '../testing/shells.ts'
import { createShell } from './shell.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const prompt = 'learner@workstation:~$ '

async function session(options: { columns?: number; rows?: number; files?: Record<string, string> } = {}) {
  const bash = createShell({
    completers: {
      kubectl: async (words, current) =>
        current === 1 ? ['get', 'describe', 'delete'] : words[1] === 'get' ? ['pods', 'podtemplates', 'services'] : [],
    },
  })
  const host = new Host({ commands: { ...filters, ...shells, bash, kubectl: filters['true']! }, turn, files: options.files })
  const screen = screenOf(options.columns, options.rows)
  const shell = host.start(['-bash'], { terminal: screen.terminal })
  await screen.settle(host, 1)
  return { host, screen, shell, type: (keys: string, ms?: number) => screen.type(host, keys, ms) }
}

describe('the prompt', () => {
  test('greets with user, host and directory, and runs a line', async () => {
    const { screen, type } = await session()
    expect(screen.text()).toBe(prompt.trimEnd())
    await type('echo hi\rcd /tmp\r')
    expect(screen.lines().slice(0, 4)).toEqual([`${prompt}echo hi`, 'hi', `${prompt}cd /tmp`, 'learner@workstation:/tmp$'])
  })

  test('ends at ^D on an empty line, and by exit with its status', async () => {
    const first = await session()
    await first.type('false\r\x04')
    expect(await first.shell.exit).toBe(1)
    const second = await session()
    await second.type('exit 3\r')
    expect(await second.shell.exit).toBe(3)
  })

  test('tells an unknown command and a syntax error as bash does', async () => {
    const { screen, type } = await session()
    await type('foo\recho $?\recho )\r')
    expect(screen.text()).toContain('bash: foo: command not found\n')
    expect(screen.text()).toContain('127\n')
    expect(screen.text()).toContain("bash: syntax error near unexpected token `)'")
  })

  test('asks for the rest of an unfinished command', async () => {
    const { screen, type } = await session()
    await type('for i in 1 2\rdo echo "n\r$i"; done\r')
    expect(screen.lines().slice(0, 7)).toEqual([`${prompt}for i in 1 2`, '> do echo "n', '> $i"; done', 'n', '1', 'n', '2'])
  })
})

describe('editing', () => {
  const cases: [string, string, string][] = [
    ['inserting in the middle', 'echo ac\x1b[Db\r', 'abc'],
    ['^A and ^E', 'cho x\x01e\x05y\r', 'xy'],
    ['^K and ^Y', 'echo one two\x1b[D\x1b[D\x1b[D\x0bX\x19\r', 'one Xtwo'],
    ['^U and ^W', 'garbage\x15echo a bcd\x17e\r', 'a e'],
    ['Alt-B and Alt-D', 'echo one two\x1bb\x1bb\x1bd1\r', '1 two'],
    ['^T', 'echo ab\x14\r', 'ba'],
    ['backspace over a wide character', 'echo 漢字\x7fx\r', '漢x'],
    ['a bracketed paste with a newline', '\x1b[200~echo a\necho b\x1b[201~\r', 'a\nb'],
  ]
  test.each(cases)('%s', async (_, keys, output) => {
    const { screen, type } = await session()
    await type(keys)
    const text = screen.text().split('\n')
    expect(text.slice(-1 - output.split('\n').length, -1).join('\n')).toBe(output)
  })

  test('what a command wrote without a newline stays, and the prompt begins on the next row', async () => {
    const { screen, type } = await session({ columns: 50 })
    await type('printf 10.96.0.10\r')
    expect(screen.lines().slice(0, 3)).toEqual([`${prompt}printf 10.96.0.10`, '10.96.0.10', prompt.trimEnd()])
    await type('clear\r')
    await type('printf %050d\r')
    expect(screen.lines().slice(0, 3)).toEqual([`${prompt}printf %050d`, '0'.repeat(50), prompt.trimEnd()])
  })

  test('^C cancels the line and sets 130', async () => {
    const { screen, type } = await session()
    await type('echo no\x03echo $?\r')
    expect(screen.lines().slice(0, 3)).toEqual([`${prompt}echo no^C`, `${prompt}echo $?`, '130'])
  })

  test('wraps over several rows and redraws them after a change in the middle', async () => {
    const { screen, type } = await session({ columns: 40 })
    const word = 'abcdefghijklmnopqrstuvwxyz'
    await type(`echo ${word}${word}`)
    const before = screen.lines().slice(0, 3)
    expect(before.join('')).toBe(`${prompt}echo ${word}${word}`)
    await type('\x01\x1bf-\x7f')
    expect(screen.lines().slice(0, 3)).toEqual(before)
    expect(screen.cursor()).toEqual({ row: 0, column: prompt.length + 4 })
    screen.resize(60, 24)
    await type('\x05')
    expect(screen.text()).toBe(`${`${prompt}echo ${word}${word}`.slice(0, 60)}\n${`${prompt}echo ${word}${word}`.slice(60)}`)
  })

  test('a line that fills the row exactly leaves the cursor on the next', async () => {
    const { screen, type } = await session({ columns: 30 })
    await type('1234567')
    expect(screen.cursor()).toEqual({ row: 1, column: 0 })
    await type('\x7f')
    expect(screen.text()).toBe(`${prompt}123456`)
  })

  test('echoes a key in the tick in which it is pressed', async () => {
    const { screen } = await session()
    const written: string[] = []
    const { terminal } = screen
    const decoder = new TextDecoder()
    const spy = new Host({ commands: { ...filters, ...shells }, turn })
    const own = new (terminal.constructor as typeof import('../../simulator/terminal.ts').Terminal)(
      { columns: 80, rows: 24 },
      async (bytes) => void written.push(decoder.decode(bytes)),
    )
    spy.start(['bash'], { terminal: own })
    await turn()
    await turn()
    written.length = 0
    own.input(new TextEncoder().encode('x'))
    // Only microtasks run before this: no timer and no turn of the host's queue.
    for (let n = 0; n < 20; n++) await Promise.resolve()
    expect(written.join('')).toBe('x')
  })
})

describe('history', () => {
  test('walks up and down, and is kept in the file', async () => {
    const { host, screen, type } = await session({ files: { '/home/learner/.bash_history': 'echo old\n' } })
    await type('echo new\r\x1b[A\x1b[A\r\x1b[A\x1b[A\x1b[B\r')
    expect(host.files.readText('/home/learner/.bash_history')).toBe('echo old\necho new\necho old\n')
    expect(screen.lines().filter((line) => line === 'old')).toHaveLength(2)
  })

  test('^R finds, !! and !$ expand', async () => {
    const { screen, type } = await session()
    await type('echo first word\recho second\r')
    await type('\x12fir')
    expect(screen.text().split('\n').at(-1)).toBe("(reverse-i-search)`fir': echo first word")
    await type('\r')
    await type('echo !$\r!!\r')
    expect(screen.text().split('\n').slice(-7)).toEqual(
      ['first word', `${prompt}echo !$`, 'echo word', 'word', `${prompt}!!`, 'echo word', 'word', prompt.trimEnd()].slice(-7),
    )
  })
})

describe('completion', () => {
  test('completes commands, paths with blanks, variables, and a command’s own words', async () => {
    const { screen, type } = await session({ files: { '/home/learner/my file.txt': 'x', '/home/learner/sub/deep.yaml': 'y' } })
    await type('kube\tg\tpods \x15')
    await type('cat my\t')
    expect(screen.text()).toBe(`${prompt}cat my\\ file.txt`)
    await type('\x15cat sub\tdee\t')
    expect(screen.text()).toBe(`${prompt}cat sub/deep.yaml`)
    await type('\x15kubectl get ser\t')
    expect(screen.text()).toBe(`${prompt}kubectl get services`)
    await type('\x15echo $HOM\t')
    expect(screen.text()).toBe(`${prompt}echo $HOME`)
  })

  test('inserts the common prefix first and lists in columns at the second Tab', async () => {
    const { screen, type } = await session()
    await type('kubectl get p\t')
    expect(screen.text()).toBe(`${prompt}kubectl get pod`)
    await type('\t')
    await type('\t')
    expect(screen.lines().slice(0, 3)).toEqual([`${prompt}kubectl get pod`, 'pods          podtemplates', `${prompt}kubectl get pod`])
  })
})

describe('jobs', () => {
  test('^C ends every command of the foreground pipeline and the prompt returns at once', async () => {
    const { host, screen, type } = await session()
    await type('sleep 100 | sleep 200\r')
    await type('\x03')
    expect(host.kills).toEqual(['sleep SIGINT', 'sleep SIGINT'])
    await type('echo $?\r')
    expect(screen.lines().slice(0, 4)).toEqual([`${prompt}sleep 100 | sleep 200`, '^C', `${prompt}echo $?`, '130'])
  })

  test('^C ends a loop that waits for nothing', async () => {
    const { screen, type } = await session()
    await type('while true; do :; done\r')
    await type('\x03', 20)
    await type('echo back\r')
    expect(screen.text()).toContain('\nback\n')
  })

  test('a background job is announced, outlives ^C, and its end is told before a prompt', async () => {
    const { screen, type } = await session()
    await type('sleep 5 &\r')
    expect(screen.lines()[1]).toMatch(/^\[1\] \d+$/)
    await type('sleep 1\r')
    await type('\x03')
    await type('jobs\r')
    expect(screen.text()).toContain('[1]+  Running                 sleep 5 &')
    await type('\r', 6000)
    await type('\r')
    expect(screen.text()).toContain('[1]+  Done                    sleep 5')
  })

  test('^Z says what is not modelled and leaves the job running', async () => {
    const { screen, type } = await session()
    await type('sleep 3; echo over\r')
    await type('\x1a', 4000)
    expect(screen.text()).toContain('job stopping (^Z) is not modelled here')
    expect(screen.text()).toContain('\nover\n')
  })

  test('a command reads what is typed, in cooked mode, up to ^D', async () => {
    const { screen, type } = await session()
    await type('cat -n\r')
    await type('line\r')
    await type('\x04')
    expect(screen.lines().slice(0, 4)).toEqual([`${prompt}cat -n`, 'line', '     1  line', prompt.trimEnd()])
  })

  test('an inner shell keeps ^C to itself', async () => {
    const { screen, type } = await session()
    await type('sh\r')
    await type('sleep 50\r')
    await type('\x03')
    await type('echo inner $0\r')
    await type('exit\r')
    await type('echo outer $0\r')
    expect(screen.text()).toContain('\ninner sh\n')
    expect(screen.text()).toContain('\nouter -bash\n')
  })
})
