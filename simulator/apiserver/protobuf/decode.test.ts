import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StatusError } from '../api.ts'
import { tinyWorld } from '../testing/tiny-world.ts'
import { decodeProtobuf } from './decode.ts'

const encoder = new TextEncoder()
const varint = (value: bigint): number[] => {
  const bytes: number[] = []
  for (let rest = BigInt.asUintN(64, value); ; rest >>= 7n) {
    if (rest < 0x80n) return [...bytes, Number(rest)]
    bytes.push(Number(rest & 0x7fn) | 0x80)
  }
}
/** One field of a message: text and nested messages are length-delimited, numbers varints. */
const field = (number: number, value: string | number | number[]): number[] => {
  if (typeof value === 'number') return [...varint(BigInt(number << 3)), ...varint(BigInt(value))]
  const bytes = typeof value === 'string' ? [...encoder.encode(value)] : value
  return [...varint(BigInt((number << 3) | 2)), ...varint(BigInt(bytes.length)), ...bytes]
}
const body = (apiVersion: string, kind: string, message: number[]) =>
  new Uint8Array([0x6b, 0x38, 0x73, 0, ...field(1, [...field(1, apiVersion), ...field(2, kind)]), ...field(2, message)])

describe('protobuf bodies', () => {
  it('become what their JSON would be', () => {
    const metadata = field(1, [...field(1, 'c'), ...field(2, ''), ...field(8, []), ...field(11, [...field(1, 'app'), ...field(2, 'web')])])
    const data = field(2, [...field(1, 'key'), ...field(2, 'value')])
    expect(decodeProtobuf(body('v1', 'ConfigMap', [...metadata, ...data]))).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'c', labels: { app: 'web' } },
      data: { key: 'value' },
    })
  })

  it('keep a pointer to zero, negative numbers, int-or-string, quantities and inlined structs', () => {
    expect(decodeProtobuf(body('apps/v1', 'Deployment', field(2, field(1, 0))))).toMatchObject({ spec: { replicas: 0 } })
    expect(decodeProtobuf(body('apps/v1', 'Deployment', field(2, field(1, -1))))).toMatchObject({ spec: { replicas: -1 } })
    const port = field(1, [...field(3, 80), ...field(4, [...field(1, 1), ...field(2, 0), ...field(3, 'http')])])
    expect(decodeProtobuf(body('v1', 'Service', field(2, port)))).toMatchObject({ spec: { ports: [{ port: 80, targetPort: 'http' }] } })
    const limits = field(1, [...field(1, 'cpu'), ...field(2, field(1, '100m'))])
    const volume = field(1, [...field(1, 'v'), ...field(2, field(2, []))])
    const container = field(2, [...field(1, 'app'), ...field(8, limits)])
    expect(decodeProtobuf(body('v1', 'Pod', field(2, [...volume, ...container])))).toMatchObject({
      spec: { volumes: [{ name: 'v', emptyDir: {} }], containers: [{ name: 'app', resources: { limits: { cpu: '100m' } } }] },
    })
  })

  it('are refused by name where the kind is unknown, and as bad requests where they are broken', () => {
    expect(() => decodeProtobuf(body('example.com/v1', 'Thing', []))).toThrow('does not decode Thing of example.com/v1 from protobuf')
    expect(() => decodeProtobuf(encoder.encode('{}'))).toThrow('expected prefix')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom('ConfigMap', 'Pod', 'Service'), (bytes, kind) => {
        try {
          decodeProtobuf(body('v1', kind, [...bytes]))
        } catch (error) {
          expect(error).toBeInstanceOf(StatusError)
          expect((error as StatusError).code).toBe(400)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('create objects over HTTP', async () => {
    const { server, api } = tinyWorld()
    const message = field(1, field(1, 'c'))
    const request = new Request('https://cluster.local/api/v1/namespaces/default/configmaps', {
      method: 'POST',
      headers: { 'Content-Type': 'application/vnd.kubernetes.protobuf' },
      body: body('v1', 'ConfigMap', message),
    })
    expect((await server.fetch(request)).status).toBe(201)
    expect(api.find('configmaps', 'default', 'c')).toBeDefined()
  })
})
