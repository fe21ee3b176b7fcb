import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { io, type Socket } from 'socket.io-client'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { LabSummary } from '../../protocol/catalogue.ts'
import type { SessionView } from '../../protocol/session.ts'
import type { ClusterId } from '../engines/engine.ts'
import { createFakeEngine, type FakeDisk, type FakeEngine, type FakeOptions } from '../engines/fake-engine.ts'
import { sampleNetwork } from '../engines/sample-network.ts'
import { sampleLab, writeSampleLab } from '../labs/sample-lab.ts'
import type { ServerConfig } from './config.ts'
import { type RunningServer, startServer } from './start-server.ts'

const open: { close(): Promise<void> | void }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

interface Stage {
  server: RunningServer
  engine: FakeEngine
  config: ServerConfig
  disk: Map<ClusterId, FakeDisk>
}

async function start(options: FakeOptions = {}, again?: Pick<Stage, 'config' | 'disk'>): Promise<Stage> {
  const root = again === undefined ? mkdtempSync(join(tmpdir(), 'server-')) : ''
  const disk = again?.disk ?? new Map<ClusterId, FakeDisk>()
  if (again === undefined) writeSampleLab(join(root, 'labs'), 'sample')
  const config: ServerConfig = again?.config ?? {
    host: '127.0.0.1',
    port: 0,
    data: join(root, 'data'),
    labs: join(root, 'labs'),
    page: join(root, 'page'),
    allowedHosts: [],
    allowedOrigins: [],
    logLevel: 'silent',
  }
  const engine = createFakeEngine({ probe: sampleNetwork, ...options, disk })
  const server = await startServer(config, () => [engine])
  open.push(server)
  return { server, engine, config, disk }
}

async function call<T = SessionView>(
  server: RunningServer,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: T }> {
  const response = await fetch(`${server.url}/api${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  return { status: response.status, body: (await response.json()) as T }
}

async function ready(server: RunningServer): Promise<SessionView> {
  const { body } = await call(server, 'POST', '/sessions', { lab: 'sample' })
  return vi.waitFor(
    async () => {
      const { body: view } = await call(server, 'GET', `/sessions/${body.id}`)
      if (view.state === 'failed') throw new Error(JSON.stringify(view.failure))
      expect(view.state).toBe('ready')
      return view
    },
    { timeout: 5000, interval: 20 },
  )
}

function connect(server: RunningServer, page = 'page-1'): Socket {
  const socket = io(server.url, { auth: { page }, transports: ['websocket'], forceNew: true })
  open.push({ close: () => void socket.close() })
  return socket
}

const states = (view: SessionView) => Object.fromEntries(view.tasks.flatMap((task) => task.checks).map((check) => [check.id, check.state]))
const repair = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { ports: [{ port: 80, targetPort: 8080 }] },
}

describe('a lab from the catalogue to the score', () => {
  it('starts broken, turns green within a second of the repair, and is scored', async () => {
    const { server, engine } = await start()
    const catalogue = await call<LabSummary[]>(server, 'GET', '/catalogue')
    expect(catalogue.body).toMatchObject([{ id: 'sample', points: 100, engines: [{ name: 'simulated', available: true }] }])
    const view = await ready(server)
    expect(states(view)).toEqual({ 'web-answers': 'failed', 'port-right': 'failed', kept: 'passed' })
    expect(view.steps.map((step) => [step.name, step.state])).toEqual([
      ['Create the cluster', 'done'],
      ['Set up the world of the lab', 'done'],
      ['Wait until all of it is ready', 'done'],
      ['Break it', 'done'],
      ['Make sure that it is broken', 'done'],
    ])
    expect(view.tasks[0]?.checks[0]?.evidence).toMatchObject({ seen: expect.stringContaining('connection refused'), from: 'workstation' })
    expect(view.debrief).toBeUndefined()

    const socket = connect(server)
    const followed = (await socket.emitWithAck('follow', { session: view.id })) as SessionView
    expect(followed.id).toBe(view.id)
    const green = new Promise<number>((resolve) => {
      socket.on('session', (changed: SessionView) => {
        if (Object.values(states(changed)).every((state) => state === 'passed')) resolve(performance.now())
      })
    })
    const repaired = performance.now()
    engine.api(view.id).write(repair)
    expect((await green) - repaired).toBeLessThan(1000)

    const { body: hinted } = await call(server, 'POST', `/sessions/${view.id}/hint`)
    expect(hinted.hints).toEqual([{ text: 'Look at the Service.', cost: 5 }])
    const { body: finished } = await call(server, 'POST', `/sessions/${view.id}/finish`)
    expect(finished).toMatchObject({
      state: 'finished',
      score: { earned: 95, possible: 100, hintCost: 5 },
      debrief: sampleLab['debrief.md'],
    })
    expect(engine.disk.size).toBe(0)
    expect((await call<LabSummary[]>(server, 'GET', '/catalogue')).body[0]).toMatchObject({ best: 95 })
  })

  it('gives one cluster to two clicks, and the kubeconfig to a stock client', async () => {
    const { server, engine } = await start()
    const [one, two] = await Promise.all([
      call(server, 'POST', '/sessions', { lab: 'sample' }),
      call(server, 'POST', '/sessions', { lab: 'sample', engine: 'simulated' }),
    ])
    expect(new Set([one.body.id, two.body.id]).size).toBe(1)
    expect([one.status, two.status].sort()).toEqual([200, 201])
    await ready(server)
    expect(engine.disk.size).toBe(1)
    const response = await fetch(`${server.url}/api/sessions/${one.body.id}/kubeconfig`)
    expect(response.headers.get('content-disposition')).toContain('attachment')
    expect(await response.text()).toContain(engine.api(one.body.id).url)
  })

  it('goes back to the broken world on a reset, with and without checkpoints', async () => {
    for (const checkpoints of [true, false]) {
      const { server, engine } = await start({ checkpoints })
      const view = await ready(server)
      engine.api(view.id).write(repair)
      await vi.waitFor(async () => expect(states((await call(server, 'GET', `/sessions/${view.id}`)).body)['port-right']).toBe('passed'))
      await call(server, 'POST', `/sessions/${view.id}/reset`)
      await vi.waitFor(
        async () => {
          const { body } = await call(server, 'GET', `/sessions/${view.id}`)
          expect([body.state, states(body)['port-right'], states(body)['kept']]).toEqual(['ready', 'failed', 'passed'])
        },
        { timeout: 4000 },
      )
      expect(engine.disk.size).toBe(1)
    }
  })

  it('gives the cluster back when a session ends, even while it is made', async () => {
    const { server, engine } = await start({ createMs: 200 })
    const { body } = await call(server, 'POST', '/sessions', { lab: 'sample' })
    expect((await call(server, 'DELETE', `/sessions/${body.id}`)).body.state).toBe('ended')
    expect(engine.disk.size).toBe(0)
  })

  it('does not start a lab that is not armed, and says why', async () => {
    const { server, config } = await start()
    await server.close()
    writeSampleLab(config.labs, 'sample', { 'fault/service.yaml': undefined, 'fault/nothing.sh': 'echo nothing\n' })
    const { unlinkSync } = await import('node:fs')
    unlinkSync(join(config.labs, 'sample/fault/service.yaml'))
    const again = await start({}, { config, disk: new Map() })
    const { body } = await call(again.server, 'POST', '/sessions', { lab: 'sample' })
    const failed = await vi.waitFor(
      async () => {
        const { body: view } = await call(again.server, 'GET', `/sessions/${body.id}`)
        expect(view.state).toBe('failed')
        return view
      },
      { timeout: 5000 },
    )
    expect(failed.failure).toMatchObject({
      code: 'not-armed',
      message: expect.stringContaining('web-answers must fail before the repair, but passes'),
    })
    expect(again.disk.size).toBe(0)
  })
})

describe('a restart of the server', () => {
  it('takes sessions up with their checks and their screens', async () => {
    const first = await start()
    const view = await ready(first.server)
    const socket = connect(first.server)
    await socket.emitWithAck('openTerminal', { session: view.id, terminal: 'one', columns: 80, rows: 24 })
    await socket.emitWithAck('input', { session: view.id, terminal: 'one', data: 'remember me\r', sequence: 1 })
    await vi.waitFor(() => {})
    await first.server.close()

    const second = await start({}, first)
    const taken = await vi.waitFor(async () => {
      const { body } = await call(second.server, 'POST', `/sessions/${view.id}/check`)
      expect(body.state).toBe('ready')
      return body
    })
    expect(states(taken)).toEqual({ 'web-answers': 'failed', 'port-right': 'failed', kept: 'passed' })
    const back = connect(second.server)
    const opened = (await back.emitWithAck('openTerminal', { session: view.id, terminal: 'one', columns: 80, rows: 24, have: 20 })) as {
      screen: string
    }
    expect(opened.screen).toMatch(/remember me[\s\S]*the server was restarted/)
  })

  it('says that a cluster is gone, and makes an interrupted one again', async () => {
    const first = await start({ createMs: 10 })
    const view = await ready(first.server)
    await first.server.close()
    first.disk.clear()
    const second = await start({}, first)
    await vi.waitFor(async () => {
      expect((await call(second.server, 'GET', `/sessions/${view.id}`)).body).toMatchObject({
        state: 'failed',
        failure: { code: 'cluster-lost' },
      })
    })
    await second.server.close()

    const third = await start({ createMs: 5000 }, first)
    const { body } = await call(third.server, 'POST', '/sessions', { lab: 'sample' })
    await third.server.close()
    const fourth = await start({}, first)
    await vi.waitFor(async () => expect((await call(fourth.server, 'GET', `/sessions/${body.id}`)).body.state).toBe('ready'), {
      timeout: 5000,
    })
  })
})

describe('what an engine cannot do', () => {
  it('take up what it saved: the session says so, and the lab can be started again', async () => {
    const first = await start()
    const view = await ready(first.server)
    await first.server.close()
    const engine = { ...first.engine, reattach: () => Promise.reject(new Error('the file ends too early')) }
    const server = await startServer(first.config, () => [engine])
    open.push(server)
    await vi.waitFor(async () => {
      expect((await call(server, 'GET', `/sessions/${view.id}`)).body).toMatchObject({
        state: 'failed',
        failure: { code: 'cluster-broken', message: expect.stringContaining('the file ends too early'), mend: expect.any(String) },
      })
    })
    expect((await ready(server)).id).not.toBe(view.id)
  })

  it('prepare a lab in time: giving up does not wait for it', async () => {
    const { server: old, config, engine } = await start()
    await old.close()
    const stuck = {
      ...engine,
      templates: { keep: async () => {}, has: () => false, fork: async () => Promise.reject(new Error('none')) },
      create: (_id: string, _spec: unknown, _step: unknown, signal: AbortSignal) =>
        new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    }
    const server = await startServer(config, () => [stuck])
    open.push(server)
    const { body } = await call(server, 'POST', '/sessions', { lab: 'sample' })
    await vi.waitFor(async () => expect((await call(server, 'GET', `/sessions/${body.id}`)).body.steps).toHaveLength(1))
    expect((await call(server, 'DELETE', `/sessions/${body.id}`)).body.state).toBe('ended')
  })

  it('save to a full disk: the people are told, once in a while', async () => {
    const { server: old, config, engine } = await start()
    await old.close()
    let report: (what: string, error: unknown) => void = () => {}
    const server = await startServer(config, (needs) => {
      report = needs.report
      return [engine]
    })
    open.push(server)
    const socket = connect(server)
    const problems: unknown[] = []
    socket.on('problem', (problem) => problems.push(problem))
    await new Promise<void>((resolve) => socket.once('connect', resolve))
    for (let i = 0; i < 3; i++) report('saving cluster abc', Object.assign(new Error('no space left'), { code: 'ENOSPC' }))
    await vi.waitFor(() => expect(problems).toMatchObject([{ error: { code: 'disk-full', mend: expect.any(String) } }]))
  })
})

describe('terminals over the socket', () => {
  it('type, answer, and refuse what is no message', async () => {
    const { server } = await start()
    const view = await ready(server)
    const socket = connect(server)
    let text = ''
    socket.on('output', ({ data }: { data: Buffer }) => (text += new TextDecoder().decode(data)))
    const at = { session: view.id, terminal: 'one' }
    expect(await socket.emitWithAck('openTerminal', { ...at, columns: 80, rows: 24 })).toMatchObject({
      screen: expect.stringContaining('$'),
    })
    expect(await socket.emitWithAck('input', { ...at, data: 'size\r', sequence: 1 })).toEqual({ ok: true })
    await vi.waitFor(() => expect(text).toContain('80x24'))
    socket.emit('resize', { ...at, columns: 100, rows: 30 })
    await socket.emitWithAck('input', { ...at, data: 'size\r', sequence: 2 })
    await vi.waitFor(() => expect(text).toContain('100x30'))

    expect(await socket.emitWithAck('input', { ...at, data: 7, sequence: 3 })).toMatchObject({ error: { code: 'bad-message' } })
    expect(await socket.emitWithAck('nonsense', {})).toMatchObject({ error: { code: 'bad-message' } })
    expect(await socket.emitWithAck(42 as unknown as string, {})).toMatchObject({ error: { code: 'bad-message' } })
    expect(await socket.emitWithAck('follow', { session: 'nosuchsession' })).toMatchObject({ error: { code: 'unknown-session' } })
    const problem = new Promise((resolve) => socket.once('problem', resolve))
    socket.emit('resize', null)
    expect(await problem).toMatchObject({ error: { code: 'bad-message' } })

    const exit = new Promise((resolve) => socket.once('terminalExit', resolve))
    await socket.emitWithAck('input', { ...at, data: 'exit 3\r', sequence: 4 })
    expect(await exit).toEqual({ ...at, code: 3 })
    expect(await socket.emitWithAck('input', { ...at, data: 'x', sequence: 5 })).toMatchObject({ error: { code: 'unknown-terminal' } })
  })

  it('are not open to a page of another site', async () => {
    const { server } = await start()
    const socket = io(server.url, { transports: ['websocket'], extraHeaders: { origin: 'http://evil.example' }, reconnection: false })
    open.push({ close: () => void socket.close() })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => reject(new Error('it was let in')))
      socket.once('connect_error', () => resolve())
    })
  })
})

describe('the edge', () => {
  it('refuses with a code, a sentence and a mend', async () => {
    const { server } = await start()
    expect(await call(server, 'GET', '/sessions/none')).toMatchObject({
      status: 404,
      body: { error: { code: 'unknown-session', mend: expect.any(String) } },
    })
    expect(await call(server, 'POST', '/sessions', { lab: 'none' })).toMatchObject({
      status: 404,
      body: { error: { code: 'unknown-lab' } },
    })
    expect(await call(server, 'POST', '/sessions', { lab: 'sample', engine: 'kind' })).toMatchObject({
      status: 400,
      body: { error: { code: 'engine-not-for-lab' } },
    })
    expect(await call(server, 'POST', '/sessions', { labb: 'x' })).toMatchObject({ status: 400, body: { error: { code: 'bad-message' } } })
    expect(await call(server, 'GET', '/nothing')).toMatchObject({ status: 404, body: { error: { code: 'unknown-route' } } })
    const broken = await fetch(`${server.url}/api/sessions`, { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } })
    expect(await broken.json()).toMatchObject({ error: { code: 'bad-message' } })
    const zipped = await fetch(`${server.url}/api/sessions`, {
      method: 'POST',
      body: 'no gzip',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    })
    expect([zipped.status, await zipped.json()]).toMatchObject([400, { error: { code: 'bad-message' } }])
    expect(await call(server, 'GET', '/labs/%E0%A4%A')).toMatchObject({ status: 400, body: { error: { code: 'bad-message' } } })
  })

  it('answers neither another host name nor another site', async () => {
    const { server } = await start()
    const port = Number(new URL(server.url).port)
    const ask = (headers: Record<string, string>, method = 'GET') =>
      new Promise<number>((resolve, reject) => {
        request({ host: '127.0.0.1', port, path: '/api/sessions', method, headers }, (response) => {
          response.resume()
          resolve(response.statusCode ?? 0)
        })
          .on('error', reject)
          .end()
      })
    expect(await ask({ host: 'evil.example' })).toBe(421)
    expect(await ask({ host: `localhost:${port}` })).toBe(200)
    expect(await ask({ host: `localhost:${port}`, origin: 'http://evil.example' }, 'POST')).toBe(403)
    expect(await ask({ host: `localhost:${port}`, origin: `http://localhost:${port}` }, 'POST')).toBe(400)
  })

  it('serves the built page for every route of it, compressed, and says when it is not built', async () => {
    const { server, config } = await start()
    expect(await (await fetch(`${server.url}/`)).json()).toMatchObject({ error: { code: 'page-not-built' } })
    mkdirSync(join(config.page ?? '', 'assets'), { recursive: true })
    writeFileSync(join(config.page ?? '', 'index.html'), '<title>Faultline</title>')
    writeFileSync(join(config.page ?? '', 'assets/a-1234.js'), 'let a'.repeat(1000))
    const page = await fetch(`${server.url}/labs/sample`)
    expect(await page.text()).toContain('Faultline')
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'")
    expect(page.headers.get('cache-control')).toBe('no-cache')
    const asset = await fetch(`${server.url}/assets/a-1234.js`, { headers: { 'accept-encoding': 'br' } })
    expect(asset.headers.get('content-encoding')).toBe('br')
    expect(asset.headers.get('cache-control')).toContain('immutable')
    expect((await asset.text()).length).toBe(5000)
    expect((await fetch(`${server.url}/assets/gone.js`)).status).toBe(404)
    expect(await (await fetch(`${server.url}/..%2f..%2fetc/passwd`)).text()).toContain('Faultline')
    expect(await (await fetch(`${server.url}/healthz`)).text()).toBe('ok\n')
  })

  it('says in one sentence that the port or the data folder is taken, and leaves nothing locked', async () => {
    const { server, config } = await start()
    const port = Number(new URL(server.url).port)
    await expect(startServer({ ...config, port }, () => [])).rejects.toMatchObject({ code: 'data-locked' })
    const other = { ...config, data: `${config.data}-2` }
    await expect(startServer({ ...other, port }, () => [])).rejects.toMatchObject({
      code: 'port-in-use',
      mend: expect.stringContaining(`--port ${port + 1}`),
    })
    const free = await startServer(other, () => [])
    await free.close()
  })

  it('offers the other labs where one is broken, and says what is wrong with that one', async () => {
    const { server, config } = await start()
    await server.close()
    writeSampleLab(config.labs, 'broken', { 'lab.yaml': 'title: Broken\n' })
    const again = await start({}, { config, disk: new Map() })
    expect((await call<LabSummary[]>(again.server, 'GET', '/catalogue')).body.map((lab) => lab.id)).toEqual(['sample'])
    expect(again.server.labProblems[0]).toContain('broken/lab.yaml:1:1: ')
    expect(await call(again.server, 'GET', '/labs/broken')).toMatchObject({ status: 500, body: { error: { code: 'broken-lab' } } })
  })
})
