import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { widget, widgetDefinition } from '../../simulator/apiserver/extensions/testing/widgets.ts'
import { certificateRequest } from './certificate-request.ts'
import { byChance, differences } from './differences.ts'
import { kubectlSession } from './session.ts'
import { sideBySide } from './side-by-side.ts'

/** Lines that the real kubectl 1.35 and the terminal's run one after the other on the same cluster: bytes and exit codes must agree. */
const lines: readonly string[] = [
  'get nodes',
  'get nodes -o wide',
  'get nodes -o name',
  'get node faultline-worker -o yaml',
  'get nodes --show-labels',
  'get nodes -L kubernetes.io/os',
  'get pods',
  'get pods -A',
  'get pods -A -o wide',
  'get pods -n kube-system -o name',
  'get pods -n kube-system -l k8s-app=kube-dns',
  'get pods -n kube-system --sort-by=.metadata.name',
  'get pods -A --field-selector spec.nodeName=faultline-worker',
  'get pods -A --no-headers',
  'get pods,services -A',
  'get all -n shop',
  'get deploy,rs -n shop',
  'get deploy -n shop -o yaml',
  'get deploy web -n shop -o json',
  'get rs -n shop',
  'get svc -A',
  'get svc kubernetes -o yaml',
  'get svc -n shop -o wide',
  'get svc web -n shop -o jsonpath={.spec.clusterIP}',
  'get endpoints -n shop',
  'get endpointslices -n shop',
  'get ds -A',
  'get ds -n kube-system -o wide',
  'get sts -A',
  'get cm -n kube-system',
  'get cm coredns -n kube-system -o yaml',
  'get cm coredns -n kube-system -o jsonpath={.data.Corefile}',
  'get secret -n shop',
  'get sa -A',
  'get ns',
  'get ns --show-labels',
  'get ingressclass',
  'get netpol -A',
  'get pvc -A',
  'get sc',
  'get jobs -A',
  'get cronjobs -A',
  'get hpa -A',
  'get pdb -A',
  'get leases -n kube-system',
  'get pc',
  'get nosuch',
  'get pod nobody',
  'get pods -n nowhere',
  'get pods --selector=',
  'get pods -l a=b,c!=d -A',
  'get pods -l =',
  'get pods -o custom-columns=NAME:.metadata.name,NODE:.spec.nodeName -n kube-system',
  'get pods -n shop -o jsonpath={range.items[*]}{.metadata.name}{"\\n"}{end}',
  'get pods -n kube-system -o go-template={{range.items}}{{.metadata.name}}{{"\\n"}}{{end}}',
  'get -o nonsense pods',
  'get',
  'get pods web nginx',
  'get deploy/web -n shop',
  'get deploy/web svc/web -n shop',
  'describe svc web -n shop',
  'describe deploy web -n shop',
  'describe rs -n shop',
  'describe cm coredns -n kube-system',
  'describe ns shop',
  'describe sa default -n shop',
  'describe svc kubernetes',
  'describe secret token -n shop',
  'describe ds kindnet -n kube-system',
  'describe endpoints web -n shop',
  'describe pod nobody',
  'describe node faultline-worker',
  'describe nosuch',
  'logs -n kube-system -l k8s-app=kube-dns --tail=2',
  'logs nobody',
  'logs -n kube-system deploy/coredns --tail=1',
  'logs',
  'api-resources',
  'api-resources --namespaced=false',
  'api-resources --api-group=apps',
  'api-resources -o name',
  'api-versions',
  'config view',
  'config get-contexts',
  'config current-context',
  'config view --minify -o jsonpath={.current-context}',
  'auth can-i create pods',
  'auth can-i delete nodes',
  'auth whoami',
  'auth whoami --as=jane --as-group=dev --as-user-extra=scopes=view',
  'auth whoami --as=system:serviceaccount:shop:default',
  'auth whoami --token=$TOKEN',
  'auth whoami --token=nonsense',
  'auth can-i list pods --token=$TOKEN -n shop',
  'get pods -n shop --token=$TOKEN',
  'get secret account -n shop -o jsonpath={.data.token}',
  'create token',
  'create token nobody -n shop',
  'create token default -n shop --duration=1m',
  'create token default -n shop --duration=-1m',
  'create token default -n shop --duration=1500ms',
  'create token default -n shop --bound-object-kind=Deployment --bound-object-name=web',
  'create token default -n shop --bound-object-kind=Pod',
  'create token default -n shop --bound-object-name=web',
  'create token default -n shop --bound-object-kind=Pod --bound-object-name=nobody',
  'create token default -n shop --bound-object-kind=Secret --bound-object-name=token --bound-object-uid=other',
  'get csr',
  'get csr jane -o jsonpath={.spec.username}',
  'certificate',
  'certificate approve',
  'certificate approve nobody',
  'certificate approve jane',
  'certificate deny jane',
  'certificate deny eve',
  'certificate approve eve',
  'certificate approve eve --as=jane',
  'get csr eve -o jsonpath={.status.conditions[*].message}',
  'rollout status deploy/web -n shop',
  'rollout history deploy/web -n shop',
  'rollout status deploy/nobody',
  'rollout nonsense',
  'create deployment x --image=nginx --dry-run=client -o yaml',
  'create cm x --from-literal=a=b --dry-run=client -o yaml',
  'create ns x --dry-run=client -o yaml',
  'create service clusterip x --tcp=80:8080 --dry-run=client -o yaml',
  'create secret generic x --from-literal=a=b --dry-run=client -o yaml',
  'run x --image=nginx --dry-run=client -o yaml',
  'expose deploy web --port=81 -n shop --dry-run=client -o yaml',
  'create nonsense',
  'create',
  'scale deploy web --replicas=2 -n shop',
  'scale deploy nobody --replicas=2',
  'label ns shop a=b --overwrite',
  'annotate ns shop a=b --overwrite',
  'label ns shop a-',
  'set image deploy/web nobody=x -n shop',
  'patch svc web -n shop -p {"spec":{"sessionAffinity":"ClientIP"}}',
  'patch svc web -n shop --type=merge -p {"spec":{"type":"Bogus"}}',
  'delete pod nobody',
  'delete ns nowhere',
  'delete',
  'exec nobody -- ls',
  'exec',
  'port-forward',
  'port-forward nobody 80',
  'port-forward svc/web 81 -n shop',
  'port-forward svc/web nope -n shop',
  'port-forward deploy/web nope -n shop',
  'port-forward deploy/web 0:0 -n shop',
  'port-forward deploy/web 99999 -n shop',
  'port-forward deploy/web 8080:80 --address foo -n shop',
  'port-forward pod/stuck 80 -n shop',
  'cp',
  'cp a b',
  'cp x:a y:b',
  'cp :a b',
  'cp a/b/c:d e',
  'cp nothere.txt web:/x',
  'cp web: x',
  'cp nobody:/x y',
  'cp /etc/hostname nobody:/x',
  'cp /etc/hostname shop/box:/nothere/x',
  'cp /etc/hostname shop/box:/tmp/x',
  'cp shop/box:/tmp/x copied',
  'cp shop/box:/tmp copied-folder',
  'exec box -n shop -- cat /tmp/x',
  'attach nobody',
  'attach',
  'debug',
  'debug nobody --image=busybox',
  'debug nobody',
  'debug node/nobody --image=busybox',
  'debug box -n shop --image=busybox --profile=nope',
  'debug box -n shop --copy-to=copy',
  'debug box -n shop --image=busybox --set-image=a=b',
  'debug box -n shop --image=busybox --target=box --copy-to=copy',
  'debug box -n shop --image=busybox:1.36 --target=nobody -c wrong',
  'debug box -n shop --image=busybox:1.36 -c box',
  'debug deploy/web -n shop --image=busybox',
  'cordon nobody',
  'taint nodes faultline-worker nonsense',
  'wait --for=condition=Available deploy/web -n shop --timeout=5s',
  'wait --for=condition=Nonsense deploy/web -n shop --timeout=1s',
  'frobnicate',
  'get pods --frobnicate',
  'get pods -z',
  'explain',
  'explain pod',
  'explain pods.spec.containers',
  'explain pod.spec.containers.resources',
  'explain svc.spec.ports',
  'explain svc.spec.ports.targetPort',
  'explain service.spec.ports.protocol',
  'explain deploy --recursive',
  'explain deployments.apps.spec.strategy',
  'explain pod.spec.restartPolicy',
  'explain pod.spec.volumes.hostPath',
  'explain pod.spec.nosuch',
  'explain pod.spec.containers.nosuch.more',
  'explain nosuch',
  'explain nosuch.spec',
  'explain cm.data',
  'explain cm.metadata.labels',
  'explain netpol.spec --recursive',
  'explain ing.spec.rules.http.paths',
  'explain deploy --api-version=apps/v1',
  'explain deploy --api-version=apps/v2',
  'explain deploy --api-version=v1',
  'explain ds --api-version=a/b/c',
  'explain hpa.spec.metrics',
  'explain svc.spec.loadBalancerIP',
  'explain crb.subjects',
  'explain events',
  'explain cj.spec.jobTemplate.spec.template.spec.affinity --recursive',
  'explain selfsubjectaccessreviews.spec',
  'explain endpointslices.endpoints',
  'explain pods.spec.containers[0]',
  'explain pod -o plaintext-openapiv2',
  'explain svc.spec.ports -o plaintext-openapiv2',
  'explain svc.spec.ports.targetPort -o plaintext-openapiv2',
  'explain cm.data -o plaintext-openapiv2',
  'explain pod.spec.restartPolicy.more -o plaintext-openapiv2',
  'explain deploy --recursive --output=plaintext-openapiv2',
  'explain pod.spec.nosuch -o plaintext-openapiv2',
  'explain pod.metadata.managedFields.fieldsV1 -o plaintext-openapiv2',
  'explain pod -o html',
  'explain pod svc',
  'top pods',
  'get crd',
  'get crd widgets.example.com -o yaml',
  'describe crd widgets.example.com',
  'get widgets -A',
  'get wd -n shop -o wide',
  'get toys -n shop',
  'get widgets.v1beta1.example.com -n shop',
  'get widget big -n shop -o yaml',
  'get widget big -n shop -o jsonpath={.spec.parts[*].name}',
  'get widget -n shop --field-selector spec.colour=red',
  'get widget -n shop --field-selector spec.nosuch=1',
  'get widget nosuch -n shop',
  'describe widget big -n shop',
  'explain widget',
  'explain widget.spec',
  'explain widget.spec.parts',
  'explain widget.spec.nosuch',
  'explain widgets --recursive',
  'explain widget --api-version=example.com/v1beta1',
  'api-resources --api-group=example.com',
  'auth can-i create widgets.example.com',
  'scale widget big --replicas=3 -n shop',
  'scale widget big --replicas=30 -n shop',
  'patch widget big -n shop --type=merge -p {"spec":{"replicas":"x"}}',
  'patch widget big -n shop --type=merge -p {"spec":{"colour":"pink","serial":"no"}}',
  'patch widget big -n shop -p {"spec":{"replicas":3}}',
  'label widget big a=b -n shop --overwrite',
  'wait --for=condition=established crd/widgets.example.com --timeout=5s',
  'wait --for=jsonpath={.spec.replicas}=3 widget/big -n shop --timeout=2s',
  'delete widget nosuch -n shop',
  'version --client -o nonsense',
]

const gizmo = JSON.stringify({ apiVersion: 'example.com/v1', kind: 'Gizmo', metadata: { name: 'a' }, spec: {} })

/** The same with something on standard input. */
const fed: readonly (readonly [line: string, input: string])[] = [
  ['apply -f -', gizmo],
  ['create -f -', gizmo],
  ['delete -f -', gizmo],
  ['apply -n shop -f -', JSON.stringify(ofShop('big', { replicas: 'two' }))],
  ['apply -n shop -f -', JSON.stringify(ofShop('big', { nosuch: 1 }))],
  ['apply -n shop -f -', JSON.stringify(ofShop('other', { nosuch: 1 }))],
  ['create -n shop -f -', JSON.stringify(ofShop('other', { colour: 'pink' }))],
  ['create -n shop -f -', JSON.stringify(ofShop('other', { parts: [{ name: 'a' }, { name: 'a' }] }))],
  ['apply --server-side -n shop -f -', JSON.stringify(ofShop('other', { nosuch: 1 }))],
  ['apply -f - --dry-run=server', JSON.stringify({ ...widgetDefinition, metadata: { name: 'wrong' } })],
]

/** A token of the account `default` in `shop`. */
let token = ''
/** The session's kubeconfig without credentials. */
let withoutUser = ''
let session: Awaited<ReturnType<typeof kubectlSession>>

beforeAll(async () => {
  session = await kubectlSession('1.35')
  const setUp = [
    'create namespace shop',
    'create deployment web --image=nginx:1.27-alpine --replicas=2 -n shop',
    'expose deployment web --port=80 -n shop',
    'create secret generic token --from-literal=a=b -n shop',
    'run box --image=busybox:1.36 -n shop -- sleep 10000',
    'run stuck --image=registry.invalid/none:1 -n shop',
    'wait --for=condition=Ready pod/box -n shop --timeout=20s',
    'rollout status deployment/web -n shop --timeout=20s',
  ]
  for (const line of setUp) {
    const { code, err } = await session.kubectl(line)
    if (code !== 0) throw new Error(`${line}: ${err}`)
  }
  for (const object of [widgetDefinition, ofShop('big', { parts: [{ name: 'x' }, { name: 'y', weight: 1.5 }], settings: { a: 'b' } })]) {
    const { code, err } = await session.kubectl('apply -f -', { input: JSON.stringify(object) })
    if (code !== 0) throw new Error(`apply ${object.kind}: ${err}`)
  }
  const account = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/service-account-token',
    metadata: { name: 'account', namespace: 'shop', annotations: { 'kubernetes.io/service-account.name': 'default' } },
  }
  const inputs = [
    JSON.stringify(account),
    ...(await Promise.all(['jane', 'eve'].map(async (name) => (await certificateRequest(name)).manifest))),
  ]
  const config = parse(await session.cluster.kubeconfigText('learner'))
  config.users[0].user = {}
  withoutUser = join(session.folder, 'without-user')
  writeFileSync(withoutUser, stringify(config), { mode: 0o600 })
  for (const input of inputs) await session.kubectl('apply -f -', { input })
  token = (await session.kubectl('create token default -n shop')).out.trim()
})

function ofShop(name: string, spec: Record<string, unknown>) {
  return widget(name, spec, { metadata: { name, namespace: 'shop' } })
}
afterAll(() => session.close())

it.each(lines.filter((line) => !(line in differences)))('%s', async (line) => {
  // Ages turn over between two runs: a second try in the same second agrees.
  let pair = await both(line)
  for (let attempt = 0; attempt < 3 && JSON.stringify(pair.real) !== JSON.stringify(pair.ours); attempt++) pair = await both(line)
  expect(pair.ours).toEqual(pair.real)
})

/** A difference that is gone is to be struck from the list. */
it.each(lines.filter((line) => line in differences && !byChance.has(line)))('%s: still differs', async (line) => {
  const { real, ours } = await both(line)
  expect(ours).not.toEqual(real)
})

it.each(fed)('%s < %s', async (line, input) => {
  const pair = await both(line, input)
  expect(pair.ours).toEqual(pair.real)
})

function both(template: string, input = '') {
  const line = template.replace('$TOKEN', token)
  // A certificate goes before a token, so whoever comes with a token comes without one.
  return sideBySide(session, line, input, line.includes('--token') ? { env: { KUBECONFIG: withoutUser } } : {})
}
