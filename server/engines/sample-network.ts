import type { FakeOptions } from './fake-engine.ts'

/** The fake network of the sample lab: the web answers while its Service names port 8080. */
export const sampleNetwork: NonNullable<FakeOptions['probe']> = (api, _from, what) => {
  if (what.kind !== 'http') return { outcome: 'unknown', error: 'the sample network speaks HTTP only' }
  const spec = api.get('Service', 'web', 'shop')?.['spec'] as { ports?: { targetPort: number }[] } | undefined
  if (spec === undefined) return { outcome: 'unresolved', error: 'bad address' }
  if (spec.ports?.[0]?.targetPort !== 8080) return { outcome: 'refused', error: 'Connection refused' }
  return { outcome: 'answered', http: { status: 200, headers: {}, body: 'hello' } }
}
