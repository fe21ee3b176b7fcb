import { describe, expect, test } from 'vitest'
import type { MessageSocket } from '../../apiserver/api.ts'
import { EventLoop, HeldTime } from '../../clock.ts'
import { fileTree, MemoryFiles } from '../../memory-files.ts'
import { NetworkError } from '../../network/sockets.ts'
import { type Command, executable, type Process } from '../../programs/process.ts'
import { Random } from '../../random.ts'
import { BrokenPipe, Pipe } from '../../streams.ts'
import { FakeNetwork } from '../testing/fake-network.ts'
import { type Place, type RunOptions, runProcess } from './run-process.ts'

const command = (id: string, run: Command['run']): Command => ({ kind: 'command', id, run })

function place(run: (process: Process) => Promise<number>) {
  const time = new HeldTime(0)
  const clock = new EventLoop(time, (error) => {
    throw error
  })
  const network = new FakeNetwork(clock)
  const machine = network.machine('host', '10.0.0.1')
  const programs = new Map<string, Command>([
    ['test/main', command('test/main', run)],
    [
      'test/args',
      command('test/args', async (process) => {
        await process.stdout.write(process.argv.join('|'))
        return 0
      }),
    ],
  ])
  const files = new MemoryFiles({
    now: () => clock.now(),
    base: fileTree(
      {
        '/bin/main': { content: executable(programs.get('test/main') as Command), mode: 0o755 },
        '/bin/args': { content: executable(programs.get('test/args') as Command), mode: 0o755 },
        '/bin/script': { content: '#!/bin/args -x\necho\n', mode: 0o755 },
        '/bin/data': { content: 'hello' },
        '/bin/garbage': { content: 'hello', mode: 0o755 },
        '/etc/hosts': { content: '10.0.0.1 api.lab # the API\n' },
      },
      0,
    ),
  })
  const crashes: unknown[] = []
  const where: Place = {
    files,
    env: { PATH: '/bin' },
    cwd: '/',
    hostname: 'host',
    user: 'root',
    namespace: machine.root,
    clock,
    random: new Random(1),
    programs: (id) => programs.get(id),
    processes: new Set(),
    nextPid: () => 42,
    crashed: (error) => crashes.push(error),
  }
  const start = (argv: string[], options: RunOptions = {}) => {
    let text = ''
    const sink = {
      write: async (data: Uint8Array | string) => void (text += typeof data === 'string' ? data : new TextDecoder().decode(data)),
    }
    const running = runProcess(where, argv, { stdout: sink, stderr: sink, ...options })
    return { running, text: () => text }
  }
  return { where, start, machine, clock, time, crashes }
}

const ok = async () => 0

describe('finding what to run', () => {
  test('by name, by path, by script, or saying why not', async () => {
    const { start } = place(ok)
    const problem = (argv: string[]) => (start(argv).running as { problem?: string }).problem
    expect(problem(['nope'])).toBe('not found')
    expect(problem(['/bin/nope'])).toBe('no such file')
    expect(problem(['data'])).toBe('permission denied')
    expect(problem(['/bin'])).toBe('is a directory')
    expect(problem(['garbage'])).toBe('exec format error')
    const { running, text } = start(['script', 'a b'])
    expect(await (running as { exit: Promise<number> }).exit).toBe(0)
    expect(text()).toBe('/bin/args|-x|/bin/script|a b')
  })
})

describe('a command', () => {
  test('ends by signal, broken pipe or error with the codes of a shell', async () => {
    const waiting = place(async (process) => {
      await process.stdin.read(process.signal)
      return 0
    })
    const { running } = waiting.start(['main'], { stdin: new Pipe() })
    const child = running as { kill(signal: string): void; exit: Promise<number> }
    await Promise.resolve()
    child.kill('SIGINT')
    expect(await child.exit).toBe(130)
    expect(waiting.where.processes.size).toBe(0)

    const broken = place(async () => {
      throw new BrokenPipe()
    })
    expect(await (broken.start(['main']).running as { exit: Promise<number> }).exit).toBe(141)

    const crashing = place(async () => {
      throw new Error('oops')
    })
    const crashed = crashing.start(['main'])
    expect(await (crashed.running as { exit: Promise<number> }).exit).toBe(1)
    expect(crashed.text()).toBe('main: oops\n')
    expect(crashing.crashes).toHaveLength(1)
  })

  test('that ignores signals is killed, and what it writes afterwards goes nowhere', async () => {
    let release: () => void = () => {}
    const { start } = place(async (process) => {
      await new Promise<void>((resolve) => {
        release = resolve
      })
      await process.stdout.write('late')
      return 0
    })
    const { running, text } = start(['main'])
    const child = running as { kill(signal: string): void; exit: Promise<number> }
    await Promise.resolve()
    child.kill('SIGTERM')
    child.kill('SIGKILL')
    expect(await child.exit).toBe(137)
    release()
    await Promise.resolve()
    expect(text()).toBe('')
  })

  test('starts children that inherit its streams, environment and directory', async () => {
    const { start } = place(async (process) => {
      const child = process.spawn(['args', 'x'])
      expect(process.spawn(['nope'])).toBeUndefined()
      expect(process.commands()).toEqual(['args', 'garbage', 'main', 'script'])
      return (await child?.exit) ?? 99
    })
    const { running, text } = start(['main'])
    expect(await (running as { exit: Promise<number> }).exit).toBe(0)
    expect(text()).toBe('args|x')
  })
})

describe('HTTPS from a process', () => {
  const service = {
    async fetch(request: Request) {
      return new Response(`${request.method} ${new URL(request.url).pathname}`, { status: 201 })
    },
    async upgrade() {
      return {
        protocol: 'echo',
        async run(socket: MessageSocket) {
          for (let message = await socket.receive(); message !== undefined; message = await socket.receive()) await socket.send(message)
        },
      }
    },
  }

  test('goes by /etc/hosts to the service behind the address', async () => {
    const { start, machine } = place(async (process) => {
      const response = await process.fetch(new Request('https://api.lab:6443/version'))
      await process.stdout.write(`${response.status} ${await response.text()}`)
      const opened = await process.websocket(new Request('https://api.lab:6443/exec'), ['echo'])
      if (!('socket' in opened)) return 1
      await opened.socket.send('hi')
      await process.stdout.write(` ${opened.protocol} ${await opened.socket.receive()}`)
      opened.socket.close()
      return 0
    })
    machine.root.sockets.listenTcp({ port: 6443, service }, () => ({}))
    const { running, text } = start(['main'])
    expect(await (running as { exit: Promise<number> }).exit).toBe(0)
    expect(text()).toBe('201 GET /version echo hi')
  })

  test('fails as a dial does', async () => {
    const errors: unknown[] = []
    const { start } = place(async (process) => {
      for (const url of ['https://api.lab:1/', 'https://10.9.9.9/', 'https://nowhere/']) {
        await process.fetch(new Request(url)).catch((error) => errors.push(error))
      }
      return 0
    })
    expect(await (start(['main']).running as { exit: Promise<number> }).exit).toBe(0)
    expect(errors.every((error) => error instanceof NetworkError)).toBe(true)
    expect(errors.map((error) => (error as Error).message)).toEqual([
      'dial tcp 10.0.0.1:1: connect: connection refused',
      'dial tcp 10.9.9.9:443: connect: no route to host',
      'dial tcp: lookup nowhere: no such host',
    ])
  })
})
