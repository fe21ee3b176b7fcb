import { expect, test } from 'vitest'
import { encodeBase64 } from '../../base64.ts'
import { rbacObjects } from '../../bootstrap/rbac/rbac-objects.ts'
import { EventLoop, HeldTime } from '../../clock.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { Random } from '../../random.ts'
import { resources } from '../../resources/catalogue.ts'
import { Store } from '../../store/store.ts'
import type { Peer, UserInfo } from '../api.ts'
import { clusterAuthorizer } from '../authorization/authorizer.ts'
import { createApi } from '../registry/api.ts'
import { createApiServer } from '../server.ts'
import { createAuthenticator } from './authenticator.ts'
import { serviceAccountTokens } from './service-account-tokens.ts'

const root: UserInfo = { username: 'root', groups: ['system:masters', 'system:authenticated'] }

function world() {
  const time = new HeldTime(Date.parse('2026-01-01T00:00:00Z'))
  const clock = new EventLoop(time, (error) => {
    throw error
  })
  const store = new Store({ clock })
  const random = new Random(1)
  const base = { store, definitions: resources, clock, random, serviceCidr: '10.96.0.0/16' }
  const api = createApi({ ...base, user: root })
  for (const name of ['default', 'kube-system', 'kube-public', 'shop']) api.create('namespaces', { metadata: { name } })
  for (const object of rbacObjects({ cni: 'none' })) api.create(`${object.kind!.toLowerCase()}s.rbac.authorization.k8s.io`, object)
  api.create('serviceaccounts', { metadata: { name: 'web', namespace: 'shop' } })
  api.create('serviceaccounts', { metadata: { name: 'default', namespace: 'shop' } })
  api.create('nodes', { metadata: { name: 'worker' } })
  const pod = {
    metadata: { name: 'web-1', namespace: 'shop' },
    spec: { serviceAccountName: 'web', nodeName: 'worker', containers: [{ name: 'c', image: 'i' }] },
  }
  api.create('pods', pod as KubeObject)
  const tokens = serviceAccountTokens({ reader: store, clock, random, key: 'key' })
  const authenticator = createAuthenticator({ people: new Map([['root-token', root]]), tokens })
  const authorizer = clusterAuthorizer(store)
  const server = createApiServer({
    ...base,
    nodes: { kubelet: () => undefined },
    authorize: authorizer.authorize,
    rulesFor: authorizer.rulesFor,
    authenticate: authenticator.authenticate,
    reviewToken: authenticator.review,
    tokens,
  })
  async function call(path: string, options: { token?: string; body?: unknown; peer?: Peer; authorization?: string } = {}) {
    const authorization = options.authorization ?? (options.token && `Bearer ${options.token}`)
    const request = new Request(`https://api${path}`, {
      method: options.body === undefined ? 'GET' : 'POST',
      headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    })
    const response = await server.fetch(request, options.peer)
    const text = await response.text()
    return { code: response.status, body: text.startsWith('{') ? JSON.parse(text) : text }
  }
  const request = (spec: object, name = 'web') =>
    call(`/api/v1/namespaces/shop/serviceaccounts/${name}/token`, {
      token: 'root-token',
      body: { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', spec },
    })
  const whoami = async (options: Parameters<typeof call>[1]) =>
    (
      await call('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
        ...options,
        body: { kind: 'SelfSubjectReview', apiVersion: 'authentication.k8s.io/v1' },
      })
    ).body
  const review = async (token: string, audiences?: string[]) =>
    (
      await call('/apis/authentication.k8s.io/v1/tokenreviews', {
        token: 'root-token',
        body: { kind: 'TokenReview', apiVersion: 'authentication.k8s.io/v1', spec: { token, audiences } },
      })
    ).body.status
  return { api, time, tokens, call, request, whoami, review }
}

const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())

test('who shows nothing is anonymous: what everybody may see is served, the rest is forbidden in the real words', async () => {
  const { call, api } = world()
  expect((await call('/version')).code).toBe(200)
  expect((await call('/livez')).body).toBe('ok')
  const pods = await call('/api/v1/namespaces/shop/pods')
  expect(pods.code).toBe(403)
  expect(pods.body.message).toBe(
    'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in the namespace "shop"',
  )
  expect((await call('/apis')).body.message).toBe('forbidden: User "system:anonymous" cannot get path "/apis"')
  // Another scheme is not ours, a wrong token is.
  expect((await call('/api/v1/pods', { authorization: 'Basic YTpi' })).code).toBe(403)
  expect(await call('/version', { token: 'nonsense' })).toMatchObject({
    code: 401,
    body: { message: 'Unauthorized', reason: 'Unauthorized' },
  })
  api.create('configmaps', { metadata: { name: 'cluster-info', namespace: 'kube-public' } })
  expect((await call('/api/v1/namespaces/kube-public/configmaps/cluster-info')).code).toBe(200)
  api.delete('clusterrolebindings.rbac.authorization.k8s.io', undefined, 'system:public-info-viewer')
  expect((await call('/livez')).body.message).toBe('forbidden: User "system:anonymous" cannot get path "/livez"')
})

test('a requested token stands for its account and says what upstream says', async () => {
  const { request, whoami, api } = world()
  const { body, code } = await request({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'web-1' }, expirationSeconds: 3607 })
  expect(code).toBe(201)
  expect(body.status.expirationTimestamp).toBe('2026-01-01T01:00:07Z')
  const claims = claimsOf(body.status.token)
  const pod = api.get('pods', 'shop', 'web-1').metadata!
  expect(claims).toMatchObject({
    aud: ['https://kubernetes.default.svc.cluster.local'],
    iss: 'https://kubernetes.default.svc.cluster.local',
    sub: 'system:serviceaccount:shop:web',
    'kubernetes.io': { namespace: 'shop', pod: { name: 'web-1', uid: pod.uid }, node: { name: 'worker' }, serviceaccount: { name: 'web' } },
  })
  // A token of the injected kind lives for a year, and warns after its hour.
  expect(claims.exp - claims.iat).toBe(365 * 24 * 3600)
  expect(claims['kubernetes.io'].warnafter - claims.iat).toBe(3607)
  expect((await whoami({ token: body.status.token })).status.userInfo).toEqual({
    username: 'system:serviceaccount:shop:web',
    uid: api.get('serviceaccounts', 'shop', 'web').metadata!.uid,
    groups: ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'],
    extra: {
      'authentication.kubernetes.io/credential-id': [`JTI=${claims.jti}`],
      'authentication.kubernetes.io/node-name': ['worker'],
      'authentication.kubernetes.io/node-uid': [api.get('nodes', undefined, 'worker').metadata!.uid],
      'authentication.kubernetes.io/pod-name': ['web-1'],
      'authentication.kubernetes.io/pod-uid': [pod.uid],
    },
  })
})

test('a token ends with its time, its pod and its account, and reviews say why', async () => {
  const { request, review, api, time, call } = world()
  const token = async (spec: object) => (await request(spec)).body.status.token as string
  const plain = await token({})
  const bound = await token({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'web-1' }, expirationSeconds: 90_000 })
  const vault = await token({ audiences: ['vault'] })
  expect(await review(plain)).toMatchObject({ authenticated: true, audiences: ['https://kubernetes.default.svc.cluster.local'] })
  expect(await review(vault)).toEqual({
    user: {},
    error:
      '[invalid bearer token, token audiences ["vault"] is invalid for the target audiences ["https://kubernetes.default.svc.cluster.local"]]',
  })
  expect(await review(vault, ['vault'])).toMatchObject({ authenticated: true, audiences: ['vault'] })
  expect((await call('/api', { token: vault })).code).toBe(401)
  expect(await review('nonsense')).toEqual({ user: {}, error: 'invalid bearer token' })
  time.advance(3600_000 + 61_000)
  expect(await review(plain)).toMatchObject({ error: '[invalid bearer token, service account token has expired]' })
  expect(await review(bound)).toMatchObject({ authenticated: true })
  api.delete('pods', 'shop', 'web-1', { gracePeriodSeconds: 0 })
  expect(await review(bound)).toMatchObject({ error: '[invalid bearer token, service account token has been invalidated]' })
  const fresh = await token({})
  const { uid } = api.get('serviceaccounts', 'shop', 'web').metadata!
  api.delete('serviceaccounts', 'shop', 'web')
  expect((await review(fresh)).error).toContain('serviceaccounts "web" not found')
  const again = api.create<KubeObject>('serviceaccounts', { metadata: { name: 'web', namespace: 'shop' } }).metadata!.uid
  expect((await review(fresh)).error).toContain(`service account UID (${again}) does not match claim (${uid})`)
})

test('token requests are refused in the words of the API server', async () => {
  const { request, api } = world()
  const refusal = async (spec: object, name?: string) => {
    const { code, body } = await request(spec, name)
    return `${code} ${body.message}`
  }
  expect(await refusal({ expirationSeconds: 60 })).toBe(
    '422 TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes',
  )
  expect(await refusal({ expirationSeconds: 2 ** 33 })).toContain('may not specify a duration larger than 2^32 seconds')
  expect(await refusal({}, 'nobody')).toBe('404 serviceaccounts "nobody" not found')
  expect(await refusal({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'gone' } })).toBe('404 pods "gone" not found')
  expect(await refusal({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'web-1' } }, 'default')).toBe(
    '400 cannot bind token for serviceaccount "default" to pod running with different serviceaccount name.',
  )
  expect(await refusal({ boundObjectRef: { kind: 'Deployment', apiVersion: 'apps/v1', name: 'web' } })).toBe(
    '400 cannot bind token to object of type apps/v1, Kind=Deployment',
  )
  expect(await refusal({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'web-1', uid: 'other' } })).toBe(
    '409 Operation cannot be fulfilled on Pod "web-1": the UID in the bound object reference (other) does not match the UID in record. The object might have been deleted and then recreated',
  )
  expect(api.list('pods')).toHaveLength(1)
})

test('a legacy token counts as long as its Secret holds it', async () => {
  const { api, tokens, whoami, call } = world()
  const metadata = { name: 'old', namespace: 'shop', annotations: { 'kubernetes.io/service-account.name': 'web' } }
  const secret = api.create('secrets', { metadata, type: 'kubernetes.io/service-account-token' })
  const token = tokens.issueLegacy(api.get('serviceaccounts', 'shop', 'web'), secret)
  expect((await call('/api', { token })).code).toBe(401)
  api.update('secrets', { ...secret, data: { token: encodeBase64(new TextEncoder().encode(token)) } })
  expect((await whoami({ token })).status.userInfo.username).toBe('system:serviceaccount:shop:web')
  api.delete('secrets', 'shop', 'old')
  expect((await call('/api', { token })).code).toBe(401)
})

test('a client certificate is a user and groups; one that is not believed is 401 unless a token comes with it', async () => {
  const { whoami, call } = world()
  const certificate = { commonName: 'jane', organizations: ['dev', 'ops'], fingerprint: 'ab12' }
  expect((await whoami({ peer: { certificate } })).status.userInfo).toEqual({
    username: 'jane',
    groups: ['dev', 'ops', 'system:authenticated'],
    extra: { 'authentication.kubernetes.io/credential-id': ['X509SHA256=ab12'] },
  })
  const peer = { certificate: { invalid: 'x509: certificate has expired or is not yet valid' } }
  expect((await call('/version', { peer })).code).toBe(401)
  expect((await whoami({ peer, token: 'root-token' })).status.userInfo.username).toBe('root')
})

test('the documents of an asymmetric issuer are refused by name', async () => {
  const { call } = world()
  expect((await call('/openid/v1/jwks', { token: 'root-token' })).body).toMatchObject({ code: 501, reason: 'NotImplemented' })
})
