import { describe, expect, it } from 'vitest'
import { messagePair } from '../../kubelet/runtime/dial.ts'
import { SpdyConnection } from '../../spdy/connection.ts'
import type { MessageSocket, PortForwarder } from '../api.ts'
import { tinyWorld } from '../testing/tiny-world.ts'

const url = 'https://cluster/api/v1/namespaces/default/pods/p/portforward'
const decoder = new TextDecoder()

/** Sends everything back; port 81 refuses, and 82 talks until the client goes. */
const forward: PortForwarder = async (port, { source, sink }, signal) => {
  if (port === 81) throw new Error('error forwarding port 81 to pod x, uid : refused')
  if (port === 82) {
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  }
  for (let bytes = await source.read(signal); bytes; bytes = await source.read(signal)) await sink.write(bytes)
}

async function open(address: string, protocols: string[], transport: 'websocket' | 'SPDY/3.1' = 'websocket') {
  const world = tinyWorld({ portForward: () => forward })
  world.api.create('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  } as never)
  world.api.bind('default', 'p', 'worker')
  const answer = await world.server.upgrade(new Request(address), protocols, { transport })
  if (answer instanceof Response) return { refusal: (await answer.json()).message as string }
  const [client, server] = messagePair()
  return { protocol: answer.protocol, client, over: answer.run(server).finally(() => server.close()) }
}

async function connection(client: MessageSocket) {
  const spdy = new SpdyConnection(client, 'client', () => false)
  const over = spdy.run()
  const pair = async (port: string, requestid: string) => {
    const error = await spdy.open([
      ['streamtype', 'error'],
      ['port', port],
      ['requestid', requestid],
    ])
    await error!.end()
    const data = await spdy.open([
      ['streamtype', 'data'],
      ['port', port],
      ['requestid', requestid],
    ])
    return { error: error!, data: data! }
  }
  return { spdy, over, pair }
}

async function text(stream: { read(): Promise<Uint8Array | undefined> }): Promise<string> {
  let out = ''
  for (let bytes = await stream.read(); bytes; bytes = await stream.read()) out += decoder.decode(bytes)
  return out
}

describe.each([
  ['SPDY/3.1+portforward.k8s.io', 'websocket'],
  ['portforward.k8s.io', 'SPDY/3.1'],
] as const)('%s over %s', (protocol, transport) => {
  it('forwards pairs of streams, side by side', async () => {
    const { client, over, ...given } = await open(url, [protocol, 'other'], transport)
    expect(given.protocol).toBe(protocol)
    const { spdy, pair } = await connection(client!)
    const pairs = [await pair('80', '0'), await pair('80', '1'), await pair('81', '2')]
    for (const [index, { data }] of pairs.entries()) {
      await data.write(`hello ${index}`).catch(() => {})
      await data.end()
    }
    expect(await Promise.all(pairs.map(({ data }) => text(data)))).toEqual(['hello 0', 'hello 1', ''])
    expect(await Promise.all(pairs.map(({ error }) => text(error)))).toEqual(['', '', 'error forwarding port 81 to pod x, uid : refused'])
    await spdy.close()
    await over
  })

  it('refuses streams without port or type, and ends what is open when the client goes', async () => {
    const { client, over } = await open(url, [protocol], transport)
    const { spdy, pair } = await connection(client!)
    expect(await spdy.open([['streamtype', 'data']])).toBeUndefined()
    expect(
      await spdy.open([
        ['streamtype', 'video'],
        ['port', '80'],
      ]),
    ).toBeUndefined()
    expect(
      await spdy.open([
        ['streamtype', 'data'],
        ['port', '70000'],
      ]),
    ).toBeUndefined()
    await pair('82', '9')
    await spdy.close()
    await over
  })
})

describe('v4.channel.k8s.io', () => {
  it('has two channels per port, which begin with its number', async () => {
    const { client, over } = await open(`${url}?ports=80&ports=81`, ['v5.channel.k8s.io', 'v4.channel.k8s.io'])
    const heard: Record<number, number[]> = {}
    const listening = (async () => {
      for (let message = await client!.receive(); message !== undefined; message = await client!.receive()) {
        const [channel = -1, ...bytes] = message as Uint8Array
        heard[channel] = [...(heard[channel] ?? []), ...bytes]
        if ((heard[0]?.length ?? 0) > 2 && (heard[3]?.length ?? 0) > 2) client!.close()
      }
    })()
    await client!.send(new Uint8Array([0, 104, 105]))
    await listening
    await over
    expect(heard[0]).toEqual([80, 0, 104, 105])
    expect(heard[1]).toEqual([80, 0])
    expect(heard[2]).toEqual([81, 0])
    expect(decoder.decode(new Uint8Array(heard[3]!.slice(2)))).toBe('error forwarding port 81 to pod x, uid : refused')
  })

  it('wants its ports in the query', async () => {
    expect(await open(url, ['v4.channel.k8s.io'])).toEqual({ refusal: 'query parameter "ports" is required' })
    expect(await open(`${url}?ports=0`, ['v4.channel.k8s.io'])).toEqual({ refusal: 'port must be between 1 and 65535' })
    expect((await open(url, ['v3.channel.k8s.io'])).refusal).toMatch(
      /unable to negotiate protocol: client supports \[v3\.channel\.k8s\.io\], server accepts \[SPDY\/3\.1\+portforward\.k8s\.io v4\.channel\.k8s\.io\]/,
    )
  })
})
