import { constants, createDeflate } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { messagePair } from '../kubelet/runtime/dial.ts'
import { SpdyConnection, type SpdyStream } from './connection.ts'
import { dictionary, dictionaryId } from './dictionary.ts'
import { encodeFrame, type Frame, FrameReader, SpdyError } from './frames.ts'
import { HeaderBlockReader, HeaderBlockWriter } from './header-block.ts'

const id = fc.integer({ min: 0, max: 0x7fff_ffff })
const word = fc.integer({ min: 0, max: 0xffff_ffff })
const bytes = fc.uint8Array({ maxLength: 300 })
const fin = fc.boolean()

const frames: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ type: fc.constant('data' as const), stream: id, fin, bytes }),
  fc.record({
    type: fc.constant('syn-stream' as const),
    stream: id,
    associated: id,
    priority: fc.integer({ min: 0, max: 7 }),
    fin,
    unidirectional: fc.boolean(),
    block: bytes,
  }),
  fc.record({ type: fc.constantFrom('syn-reply' as const, 'headers' as const), stream: id, fin, block: bytes }),
  fc.record({ type: fc.constant('rst-stream' as const), stream: id, status: word }),
  fc.record({
    type: fc.constant('settings' as const),
    clear: fc.boolean(),
    entries: fc.array(fc.record({ flags: fc.integer({ min: 0, max: 255 }), id: fc.integer({ min: 0, max: 0xff_ffff }), value: word }), {
      maxLength: 4,
    }),
  }),
  fc.record({ type: fc.constant('ping' as const), id: word }),
  fc.record({ type: fc.constant('goaway' as const), lastStream: id, status: word }),
  fc.record({ type: fc.constant('window-update' as const), stream: id, delta: id }),
)

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

describe('frames', () => {
  test('survive any chunking', () => {
    fc.assert(
      fc.property(fc.array(frames, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sent, sizes) => {
        const wire = joined(sent.map(encodeFrame))
        const reader = new FrameReader()
        const received: Frame[] = []
        for (let at = 0, turn = 0; at < wire.length; turn++) {
          const size = sizes[turn % sizes.length]!
          received.push(...reader.push(wire.subarray(at, at + size)))
          at += size
        }
        expect(received).toEqual(sent)
      }),
    )
  })

  test('are those of the draft, bit by bit', () => {
    expect([...encodeFrame({ type: 'ping', id: 1 })]).toEqual([0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1])
    expect([...encodeFrame({ type: 'data', stream: 3, fin: true, bytes: new Uint8Array([7]) })]).toEqual([0, 0, 0, 3, 1, 0, 0, 1, 7])
    expect([
      ...encodeFrame({
        type: 'syn-stream',
        stream: 1,
        associated: 0,
        priority: 7,
        fin: false,
        unidirectional: true,
        block: new Uint8Array([9]),
      }),
    ]).toEqual([0x80, 3, 0, 1, 2, 0, 0, 11, 0, 0, 0, 1, 0, 0, 0, 0, 0xe0, 0, 9])
  })

  test('of unknown types are passed over; other versions and stumps are refused', () => {
    const unknown = new Uint8Array([0x80, 3, 0, 99, 0, 0, 0, 1, 0])
    expect(new FrameReader().push(joined([unknown, encodeFrame({ type: 'ping', id: 2 })]))).toEqual([{ type: 'ping', id: 2 }])
    expect(() => new FrameReader().push(new Uint8Array([0x80, 2, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1]))).toThrow(SpdyError)
    expect(() => new FrameReader().push(new Uint8Array([0x80, 3, 0, 6, 0, 0, 0, 2, 0, 0]))).toThrow('cut short')
  })
})

describe('header blocks', () => {
  const header = fc.tuple(fc.stringMatching(/^[a-z-]{1,12}$/), fc.stringMatching(/^[ -~]{0,40}$/))
  const headers = fc.uniqueArray(header, { maxLength: 6, selector: ([name]) => name })

  test('one connection: what one side writes the other reads', () => {
    fc.assert(
      fc.property(fc.array(headers, { maxLength: 6 }), (blocks) => {
        const writer = new HeaderBlockWriter()
        const reader = new HeaderBlockReader()
        for (const block of blocks) expect(reader.read(writer.write(block))).toEqual(block)
      }),
    )
  })

  test('as zlib compresses them, each flushed', async () => {
    const deflate = createDeflate({ dictionary })
    const out: Buffer[] = []
    deflate.on('data', (chunk: Buffer) => out.push(chunk))
    const reader = new HeaderBlockReader()
    const plain = (pairs: [string, string][]) => {
      const text = (value: string) => {
        const length = Buffer.alloc(4)
        length.writeUInt32BE(value.length)
        return Buffer.concat([length, Buffer.from(value)])
      }
      const count = Buffer.alloc(4)
      count.writeUInt32BE(pairs.length)
      return Buffer.concat([count, ...pairs.flat().map(text)])
    }
    for (let turn = 0; turn < 50; turn++) {
      const sent: [string, string][] = [
        ['streamtype', turn % 2 ? 'data' : 'error'],
        ['port', String(8000 + turn)],
        ['requestid', String(turn)],
      ]
      deflate.write(plain(sent))
      await new Promise<void>((resolve) => deflate.flush(constants.Z_SYNC_FLUSH, resolve))
      expect(reader.read(new Uint8Array(Buffer.concat(out.splice(0))))).toEqual(sent)
    }
  })

  test("the dictionary is the draft's, by its checksum", () => {
    let [a, b] = [1, 0]
    for (const byte of dictionary) {
      a = (a + byte) % 65_521
      b = (b + a) % 65_521
    }
    expect((b * 65_536 + a) >>> 0).toBe(dictionaryId)
  })

  test('several values of a name, and what is no block', () => {
    expect(
      new HeaderBlockReader().read(
        new HeaderBlockWriter().write([
          ['A', '1'],
          ['a', '2'],
        ]),
      ),
    ).toEqual([
      ['a', '1'],
      ['a', '2'],
    ])
    expect(() => new HeaderBlockReader().read(new Uint8Array([1, 2, 3]))).toThrow(SpdyError)
  })
})

function connected(accept: (stream: SpdyStream) => boolean) {
  const [a, b] = messagePair()
  const client = new SpdyConnection(a, 'client', () => false)
  const server = new SpdyConnection(b, 'server', accept)
  const ends = Promise.all([client.run(), server.run()])
  return { client, server, ends }
}

async function all(stream: SpdyStream): Promise<number[]> {
  const out: number[] = []
  for (let bytes = await stream.read(); bytes; bytes = await stream.read()) out.push(...bytes)
  return out
}

describe('connection', () => {
  test('streams in both directions, each of which ends by itself', async () => {
    const { client, ends } = connected((stream) => {
      void (async () => {
        const received = await all(stream)
        await stream.write(new Uint8Array(received.map((byte) => byte + 1)))
        await stream.end()
      })()
      return true
    })
    const streams = await Promise.all([client.open([['n', '1']]), client.open([['n', '2']])])
    for (const [index, stream] of streams.entries()) {
      await stream!.write(new Uint8Array([index, index + 10]))
      await stream!.end()
      expect(await all(stream!)).toEqual([index + 1, index + 11])
    }
    await client.close()
    await ends
  })

  test('a refused stream, a reset one, and what is left when the connection goes', async () => {
    const accepted: SpdyStream[] = []
    const { client, server, ends } = connected((stream) => {
      accepted.push(stream)
      return stream.headers.length > 0
    })
    expect(await client.open([])).toBeUndefined()
    const stream = await client.open([['a', 'b']])
    await accepted[1]!.reset()
    expect(await stream!.read()).toBeUndefined()
    await expect(stream!.write('x')).rejects.toThrow('Broken pipe')
    const other = await client.open([['a', 'b']])
    await server.close()
    expect(await other!.read()).toBeUndefined()
    await ends
    expect(await client.open([['a', 'b']])).toBeUndefined()
  })
})
