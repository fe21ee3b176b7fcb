// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are shell scripts
import { describe, expect, test } from 'vitest'
import { filters } from '../filters/catalogue.ts'
import { Host } from '../testing/host.ts'
import { shells } from '../testing/shells.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const host = (files: Record<string, string> = {}) => new Host({ commands: { ...filters, ...shells }, turn, files })

describe('how bash and ash tell what is wrong', () => {
  /** argv, standard error, status. */
  const cases: [string[], string, number][] = [
    [['bash', '-c', 'foo'], 'bash: line 1: foo: command not found\n', 127],
    [['sh', '-c', 'foo'], 'sh: foo: not found\n', 127],
    [['bash', '-c', 'echo )'], "bash: -c: line 1: syntax error near unexpected token `)'\nbash: -c: line 1: `echo )'\n", 2],
    [['sh', '-c', 'echo )'], 'sh: syntax error: unexpected ")"\n', 2],
    [['bash', '-c', 'if true; then'], 'bash: -c: line 1: syntax error: unexpected end of file\n', 2],
    [['bash', '-c', 'echo "x'], 'bash: -c: line 1: unexpected EOF while looking for matching `"\'\n', 2],
    [['bash', '-c', 'cat < nope'], 'bash: line 1: nope: No such file or directory\n', 1],
    [['sh', '-c', 'cat < nope'], "sh: can't open nope: no such file\n", 1],
    [['bash', '-c', 'echo x > /etc'], 'bash: line 1: /etc: Is a directory\n', 1],
    [['bash', '-c', 'cd nope'], 'bash: line 1: cd: nope: No such file or directory\n', 1],
    [['sh', '-c', 'cd nope'], "sh: cd: can't cd to nope: No such file or directory\n", 1],
    [['bash', '-uc', 'echo $x'], 'bash: line 1: x: unbound variable\n', 127],
    [['bash', '-c', 'echo $((1/0))'], 'bash: line 1: 1/0: division by 0 (error token is "0")\n', 1],
    [['bash', '-c', 'cat <(ls)'], 'bash: -c: line 1: process substitution is not supported: write to a file first, or use a pipe\n', 2],
    [['bash', '-c', 'select x in a; do :; done'], "bash: -c: line 1: `select' is not supported by this shell\n", 2],
    [['bash', 'nofile'], 'bash: nofile: No such file or directory\n', 127],
    [['bash', '-c', './plain.txt'], 'bash: line 1: ./plain.txt: Permission denied\n', 126],
  ]
  test.each(cases)('%j', async (argv, stderr, status) => {
    const result = await host({ '/home/learner/plain.txt': 'x' }).run(argv)
    expect({ stderr: result.stderr, status: result.status }).toEqual({ stderr, status })
  })
})

describe('scripts', () => {
  test('run from a file with its parameters, with line numbers in messages, up to a syntax error', async () => {
    const result = await host({ '/home/learner/s.sh': 'echo "$0 $1"\nnosuch\nif then\n' }).run(['bash', 's.sh', 'arg'])
    expect(result.stdout).toBe('s.sh arg\n')
    expect(result.stderr).toBe(
      "s.sh: line 2: nosuch: command not found\ns.sh: line 3: syntax error near unexpected token `then'\ns.sh: line 3: `if then'\n",
    )
    expect(result.status).toBe(2)
  })

  test('run by path through their #! line when they are executable', async () => {
    const machine = host({ '/home/learner/s': '#!/bin/sh\necho run $1\nexit 5\n' })
    machine.files.setMode('/home/learner/s', 0o755)
    expect(await machine.run(['bash', '-c', './s x; echo $?'])).toEqual({ stdout: 'run x\n5\n', stderr: '', status: 0 })
  })

  test('come from standard input, which the commands in them read on', async () => {
    const result = await host().run(['sh'], 'read x\nvalue\necho "[$x]"\nfor i in 1 2\ndo echo $i\ndone\ncat\nrest\n')
    expect(result).toEqual({ stdout: '[value]\n1\n2\nrest\n', stderr: '', status: 0 })
  })

  test('trace with -x', async () => {
    const result = await host().run(['bash', '-xc', 'x="a b"; echo $x "$x"'])
    expect(result.stderr).toBe("+ x='a b'\n+ echo a b 'a b'\n")
  })

  test('a login shell reads /etc/profile', async () => {
    const result = await host({ '/etc/profile': 'export FROM=profile\n' }).run(['bash', '-lc', 'echo $FROM'])
    expect(result.stdout).toBe('profile\n')
  })
})

describe('signals', () => {
  async function signalled(script: string, signal: 'SIGTERM' | 'SIGINT') {
    const machine = host()
    let output = ''
    const child = machine.start(['sh', '-c', script], { stdout: { write: async (data) => void (output += data) } })
    await machine.time.pass(50, turn)
    child.kill(signal)
    await machine.until(child.exit)
    return { output, status: await child.exit, kills: machine.kills }
  }

  test('end what runs, and the shell with 128 + n', async () => {
    expect(await signalled('sleep 100; echo not', 'SIGINT')).toEqual({ output: '', status: 130, kills: ['sh SIGINT', 'sleep SIGINT'] })
  })

  test('run a trap first', async () => {
    expect(await signalled('trap "echo term; exit 3" TERM; sleep 100 & wait', 'SIGTERM')).toMatchObject({ output: 'term\n', status: 3 })
  })

  test('run the EXIT trap too', async () => {
    expect(await signalled('trap "echo bye" EXIT; while true; do sleep 1; done', 'SIGTERM')).toMatchObject({ output: 'bye\n', status: 143 })
  })
})

test('a loop of ten thousand steps is quick', async () => {
  const before = performance.now()
  const result = await host().run(['bash', '-c', 'i=0; while [ $i -lt 10000 ]; do i=$((i+1)); done; echo $i'])
  expect(result.stdout).toBe('10000\n')
  expect(performance.now() - before).toBeLessThan(5000)
})
