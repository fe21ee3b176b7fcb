import { expect, test } from 'vitest'
import { authenticate, serviceAccountToken } from './tokens.ts'

const credentials = { people: new Map(), signingKey: 'secret' }
const request = { namespace: 'default', serviceAccount: 'web', issuedAt: 0, expiresAt: 60_000 }
const whose = (token: string, key = 'secret', now = 0) =>
  authenticate({ ...credentials, signingKey: key }, `Bearer ${token}`, now)?.username

test('a token says whose it is until it expires, to whoever has its key', () => {
  const token = serviceAccountToken(credentials, request)
  expect(whose(token)).toBe('system:serviceaccount:default:web')
  expect(whose(token, 'another')).toBeUndefined()
  expect(whose(token)).toBe('system:serviceaccount:default:web')
  expect(whose(token, 'secret', 60_000)).toBeUndefined()
  expect(whose(`${token}x`)).toBeUndefined()
})

test('an audience may be any text', () => {
  const token = serviceAccountToken(credentials, { ...request, audience: 'prüfung 試験' })
  expect(whose(token)).toBe('system:serviceaccount:default:web')
  const claims = JSON.parse(atob(token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/')))
  expect(claims.aud).toEqual(['prüfung 試験'])
})
