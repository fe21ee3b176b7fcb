import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { certificateRequest } from './certificate-request.ts'
import { eventually, kubectlSession } from './session.ts'

let session: Awaited<ReturnType<typeof kubectlSession>>
const run = async (line: string, input?: string) => {
  const outcome = await session.kubectl(line, input === undefined ? {} : { input })
  if (outcome.code !== 0) throw new Error(`${line}: ${outcome.err}`)
  return outcome.out
}

beforeAll(async () => {
  session = await kubectlSession('1.35')
  await run('create namespace shop')
  await run('create serviceaccount web -n shop')
  await run('create role reader --verb=get,list --resource=pods -n shop')
  await run('create rolebinding reader --role=reader --serviceaccount=shop:web -n shop')
})
afterAll(async () => {
  await session.close()
  expect(session.defects).toEqual([])
})

/** A kubeconfig with another user. */
function kubeconfigOf(user: Record<string, string>, name: string): string {
  const config = parse(readFileSync(join(session.folder, 'kubeconfig'), 'utf8'))
  config.users = [{ name: 'other', user }]
  config.contexts[0].context.user = 'other'
  const path = join(session.folder, name)
  writeFileSync(path, stringify(config), { mode: 0o600 })
  return path
}

it("the kubeconfig is kind's: a certificate of kubeadm's administrators", async () => {
  expect(readFileSync(join(session.folder, 'kubeconfig'), 'utf8')).toMatch(/client-certificate-data: [\s\S]*client-key-data: /)
  expect(await run('auth whoami')).toMatch(
    /^ATTRIBUTE +VALUE\nUsername +kubernetes-admin\nGroups +\[kubeadm:cluster-admins system:authenticated\]\nExtra: authentication\.kubernetes\.io\/credential-id +\[X509SHA256=[0-9a-f]{64}\]\n$/,
  )
})

it('who shows nothing that counts is anonymous', async () => {
  // Without any credentials kubectl itself asks for a user name; basic authentication is no credential to an API server.
  const anonymous = kubeconfigOf({ username: 'jane', password: 'secret' }, 'anonymous')
  const { code, err } = await session.kubectl(`--kubeconfig ${anonymous} get --raw /api/v1/namespaces/shop/pods`)
  expect([code, err]).toEqual([
    1,
    'Error from server (Forbidden): pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in the namespace "shop"\n',
  ])
  expect((await session.kubectl(`--kubeconfig ${anonymous} get --raw /livez`)).out).toBe('ok')
  expect((await session.kubectl(`--kubeconfig ${anonymous} get --raw /version`)).out).toContain('"gitVersion":"v1.34.2"')
})

it('a wrong token is nobody', async () => {
  const wrong = kubeconfigOf({ token: 'nonsense' }, 'wrong')
  const { code, err } = await session.kubectl(`--kubeconfig ${wrong} get pods`)
  expect([code, err.trim().split('\n').at(-1)]).toEqual([1, 'error: You must be logged in to the server (Unauthorized)'])
})

it('a created token acts as its service account, within its role', async () => {
  const token = (await run('create token web -n shop --duration 10m')).trim()
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  expect(claims.exp - claims.iat).toBe(600)
  const web = kubeconfigOf({ token }, 'web')
  expect((await session.kubectl(`--kubeconfig ${web} auth whoami`)).out).toMatch(
    /^ATTRIBUTE +VALUE\nUsername +system:serviceaccount:shop:web\nUID +[0-9a-f-]{36}\nGroups +\[system:serviceaccounts system:serviceaccounts:shop system:authenticated\]\nExtra: authentication\.kubernetes\.io\/credential-id +\[JTI=[0-9a-f-]{36}\]\n$/,
  )
  expect((await session.kubectl(`--kubeconfig ${web} get pods -n shop`)).err).toContain('No resources found in shop namespace.')
  expect((await session.kubectl(`--kubeconfig ${web} get secrets -n shop`)).err).toBe(
    'Error from server (Forbidden): secrets is forbidden: User "system:serviceaccount:shop:web" cannot list resource "secrets" in API group "" in the namespace "shop"\n',
  )
})

it('a pod is its service account by the token in its files, and no more than that', async () => {
  await run('run client --image=nicolaka/netshoot:v0.13 -n shop --overrides={"spec":{"serviceAccountName":"web"}} -- sleep infinity')
  await run('wait --for=condition=Ready pod/client -n shop --timeout=20s')
  const curl = (path: string) =>
    session.kubectl(
      `exec client -n shop -- sh -c 'curl -sS --cacert /var/run/secrets/kubernetes.io/serviceaccount/ca.crt -H "Authorization: Bearer $(cat /var/run/secrets/kubernetes.io/serviceaccount/token)" https://kubernetes.default${path}'`,
    )
  expect(JSON.parse((await curl('/api/v1/namespaces/shop/pods')).out)).toMatchObject({ kind: 'PodList' })
  expect(JSON.parse((await curl('/api/v1/namespaces/shop/secrets')).out)).toMatchObject({
    code: 403,
    message:
      'secrets is forbidden: User "system:serviceaccount:shop:web" cannot list resource "secrets" in API group "" in the namespace "shop"',
  })
})

it('a Secret of the token type is filled, works, and goes with its account', async () => {
  await run('create serviceaccount old -n shop')
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/service-account-token',
    metadata: { name: 'old-token', namespace: 'shop', annotations: { 'kubernetes.io/service-account.name': 'old' } },
  }
  await run('apply -f -', JSON.stringify(secret))
  const kept = await eventually(
    () => session.kubectl('get secret old-token -n shop -o jsonpath={.data.token}'),
    ({ out }) => out !== '',
  )
  const user = kubeconfigOf({ token: Buffer.from(kept.out, 'base64').toString() }, 'old')
  expect((await session.kubectl(`--kubeconfig ${user} auth whoami -o jsonpath={.status.userInfo.username}`)).out).toBe(
    'system:serviceaccount:shop:old',
  )
  await run('delete serviceaccount old -n shop')
  const gone = await eventually(
    () => session.kubectl('get secret old-token -n shop'),
    ({ code }) => code !== 0,
  )
  expect(gone.err).toContain('secrets "old-token" not found')
})

it('a signing request becomes a certificate that its user signs in with', async () => {
  const { manifest, key } = await certificateRequest('jane', { subject: 'CN=jane, O=dev' })
  await run('apply -f -', manifest)
  expect(await run('get csr')).toMatch(
    /^NAME +AGE +SIGNERNAME +REQUESTOR +REQUESTEDDURATION +CONDITION\njane +\d+s +kubernetes\.io\/kube-apiserver-client +kubernetes-admin +<none> +Pending\n$/,
  )
  expect(await run('certificate approve jane')).toBe('certificatesigningrequest.certificates.k8s.io/jane approved\n')
  const issued = await eventually(
    () => session.kubectl('get csr jane -o jsonpath={.status.certificate}'),
    ({ out }) => out !== '',
  )
  expect(await run('get csr jane')).toContain('Approved,Issued')
  const jane = kubeconfigOf({ 'client-certificate-data': issued.out, 'client-key-data': Buffer.from(key).toString('base64') }, 'jane')
  expect(
    (await session.kubectl(`--kubeconfig ${jane} auth whoami -o jsonpath={.status.userInfo.username}/{.status.userInfo.groups}`)).out,
  ).toBe('jane/["dev","system:authenticated"]')
  expect((await session.kubectl(`--kubeconfig ${jane} get pods -n shop`)).err).toContain('User "jane" cannot list resource "pods"')
  await run('create rolebinding jane --role=reader --user=jane -n shop')
  expect((await session.kubectl(`--kubeconfig ${jane} get pods -n shop`)).code).toBe(0)
})

it('approving takes a right on the signer, and system:masters is not for sale', async () => {
  await run('apply -f -', (await certificateRequest('bob')).manifest)
  await run('create clusterrole csr --verb=get,list,update --resource=certificatesigningrequests,certificatesigningrequests/approval')
  await run('create clusterrolebinding csr --clusterrole=csr --user=carol')
  expect((await session.kubectl('certificate approve bob --as=carol')).err).toBe(
    'Error from server (Forbidden): certificatesigningrequests.certificates.k8s.io "bob" is forbidden: user not permitted to approve requests with signerName "kubernetes.io/kube-apiserver-client"\n',
  )
  const masters = (await certificateRequest('root', { subject: 'CN=root, O=system:masters' })).manifest
  expect((await session.kubectl('create -f -', { input: masters })).err).toContain(
    'certificatesigningrequests.certificates.k8s.io "root" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
  )
})

it('a request with the wrong usages fails, and what is no request is refused', async () => {
  await run('apply -f -', (await certificateRequest('odd', { spec: { usages: ['client auth', 'server auth'] } })).manifest)
  await run('certificate approve odd')
  const state = await eventually(
    () => session.kubectl('get csr odd'),
    ({ out }) => out.includes('Failed'),
  )
  expect(state.out).toContain('Approved,Failed')
  expect(await run(`get csr odd -o jsonpath='{.status.conditions[1].message}'`)).toContain(
    'invalid usage for client certificate: server auth',
  )
  const bad = (await certificateRequest('bad', { spec: { request: Buffer.from('no').toString('base64'), expirationSeconds: 60 } })).manifest
  expect((await session.kubectl('create -f -', { input: bad })).err).toBe(
    'The CertificateSigningRequest "bad" is invalid: \n* spec.request: Invalid value: "bm8=": PEM block type must be CERTIFICATE REQUEST\n* spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 600 seconds (10 minutes)\n',
  )
})
