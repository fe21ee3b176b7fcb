import type { Pod } from 'kubernetes-types/core/v1'
import { expect, test } from 'vitest'
import { binding, clusterBinding, clusterRole, group, role, user } from '../../bootstrap/rbac/objects.ts'
import { read, rule, urls } from '../../bootstrap/rbac/rule.ts'
import type { KubeObject } from '../../kubernetes.ts'
import type { UserInfo } from '../api.ts'
import { authorizedApi } from './authorized-api.ts'
import type { SelectingAttributes } from './node.ts'
import { rbacAuthorizer } from './rbac.ts'
import { administrator, kubelet, person, rbacWorld, serviceAccount } from './testing/rbac-world.ts'

const world = rbacWorld()
const flannelWorld = rbacWorld('flannel')

const viewer = person('vera')
const editor = person('eddy')
const teamAdmin = person('ada')
const scaler = person('scale')
const one = person('one')
const operator = person('op', 'operators')
const nobody = person('nobody')
const anonymous: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] }
const coredns = serviceAccount('kube-system', 'coredns')
const kubeProxy = serviceAccount('kube-system', 'kube-proxy')
const kindnet = serviceAccount('kube-system', 'kindnet')
const flannel = serviceAccount('kube-flannel', 'flannel')
const idle = serviceAccount('team', 'default')
const worker = kubelet('worker')
const scheduler = person('system:kube-scheduler')
const manager = person('system:kube-controller-manager')
const controller = (name: string) => serviceAccount('kube-system', name)

world.apply(
  binding('team', 'view', [user('vera')], 'reader'),
  role('team', 'reader', [rule(read, '', 'pods')]),
  clusterRole('scales', [rule('get update', '*', '*/scale')]),
  clusterBinding('scales', [user('scale')]),
  role('team', 'one', [rule('get update', '', 'configmaps', 'settings'), rule('get', '', 'pods/log')]),
  binding('team', 'one', [user('one')]),
  clusterRole('metrics', [urls('/metrics /logs/*')]),
  clusterBinding('metrics', [group('operators')]),
)
for (const [name, who] of [
  ['edit', 'eddy'],
  ['admin', 'ada'],
] as const) {
  world.api.create('rolebindings.rbac.authorization.k8s.io', {
    metadata: { name, namespace: 'team' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [user(who)],
  } as KubeObject)
}
world.api.create('clusterrolebindings.rbac.authorization.k8s.io', clusterBinding('nobody-views', [group('viewers')], 'view'))
const podOn = (name: string, node: string, more: Partial<Pod['spec']> = {}) =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'team' },
    spec: { nodeName: node, containers: [{ name: 'main', image: 'nginx' }], ...more },
  }) as KubeObject
world.api.create(
  'pods',
  podOn('here', 'worker', {
    volumes: [
      { name: 'a', configMap: { name: 'settings' } },
      { name: 'b', secret: { secretName: 'key' } },
    ],
  }),
)
world.api.create('pods', podOn('there', 'worker2', { volumes: [{ name: 'b', secret: { secretName: 'other' } }] }))

type Row = readonly [UserInfo, 'may' | 'may not', string, string?, string?]

/** `get pods/log here` or `get /metrics`: verb, then resource, subresource and group as kubectl writes them, then perhaps a name. */
function attributes(text: string, namespace?: string, fieldSelector?: string): SelectingAttributes {
  const [verb = '', what = '', name] = text.split(' ')
  if (what.startsWith('/')) return { verb, path: what }
  const [resource = '', subresource] = what.split('/')
  const dot = resource.indexOf('.')
  return {
    verb,
    group: dot < 0 ? '' : resource.slice(dot + 1),
    resource: dot < 0 ? resource : resource.slice(0, dot),
    ...(subresource && { subresource }),
    ...(name && { name }),
    ...(namespace && { namespace }),
    ...(fieldSelector && { fieldSelector }),
  }
}

const slices = 'endpointslices.discovery.k8s.io'

const rows: Row[] = [
  [administrator, 'may', 'delete nodes worker'],
  [administrator, 'may', 'get /anything'],
  [viewer, 'may', 'list pods', 'team'],
  [viewer, 'may not', 'list pods', 'default'],
  [viewer, 'may not', 'list pods'],
  [viewer, 'may not', 'get secrets key', 'team'],
  [person('vic', 'viewers'), 'may', 'list pods'],
  [person('vic', 'viewers'), 'may', 'get deployments.apps/status web', 'team'],
  [person('vic', 'viewers'), 'may not', 'get secrets key', 'team'],
  [person('vic', 'viewers'), 'may not', 'create pods/exec here', 'team'],
  [person('vic', 'viewers'), 'may not', 'list nodes'],
  [editor, 'may', 'create deployments.apps', 'team'],
  [editor, 'may', 'list pods', 'team'],
  [editor, 'may', 'create pods/exec here', 'team'],
  [editor, 'may', 'get secrets key', 'team'],
  [editor, 'may', 'create pods/eviction here', 'team'],
  [editor, 'may', 'create serviceaccounts/token default', 'team'],
  [editor, 'may', 'impersonate serviceaccounts default', 'team'],
  [editor, 'may not', 'create rolebindings.rbac.authorization.k8s.io', 'team'],
  [editor, 'may not', 'update resourcequotas quota', 'team'],
  [editor, 'may not', 'update endpoints web', 'team'],
  [editor, 'may not', 'create deployments.apps', 'default'],
  [teamAdmin, 'may', 'create rolebindings.rbac.authorization.k8s.io', 'team'],
  [teamAdmin, 'may', 'delete configmaps settings', 'team'],
  [teamAdmin, 'may', 'list endpoints', 'team'],
  [teamAdmin, 'may not', 'escalate roles.rbac.authorization.k8s.io', 'team'],
  [teamAdmin, 'may not', 'create namespaces'],
  [scaler, 'may', 'update deployments.apps/scale web', 'team'],
  [scaler, 'may', 'get statefulsets.apps/scale db', 'default'],
  [scaler, 'may not', 'get deployments.apps web', 'team'],
  [scaler, 'may not', 'get deployments.apps/status web', 'team'],
  [one, 'may', 'get configmaps settings', 'team'],
  [one, 'may not', 'get configmaps other', 'team'],
  [one, 'may not', 'list configmaps', 'team'],
  [one, 'may', 'get pods/log here', 'team'],
  [one, 'may not', 'get pods here', 'team'],
  [operator, 'may', 'get /metrics'],
  [operator, 'may', 'get /logs/kubelet'],
  [operator, 'may not', 'get /metrics/slis'],
  [nobody, 'may not', 'get /metrics'],
  [nobody, 'may', 'get /apis/apps/v1'],
  [nobody, 'may', 'get /openapi/v3'],
  [nobody, 'may', 'create selfsubjectaccessreviews.authorization.k8s.io'],
  [nobody, 'may', 'create selfsubjectreviews.authentication.k8s.io'],
  [nobody, 'may not', 'create subjectaccessreviews.authorization.k8s.io'],
  [nobody, 'may not', 'list pods', 'default'],
  [anonymous, 'may', 'get /version'],
  [anonymous, 'may', 'get /livez'],
  [anonymous, 'may not', 'get /apis'],
  [anonymous, 'may', 'get configmaps cluster-info', 'kube-public'],
  [anonymous, 'may not', 'get configmaps kubeadm-config', 'kube-system'],
  [person('boss', 'kubeadm:cluster-admins'), 'may', 'delete nodes worker'],
  [coredns, 'may', 'list services'],
  [coredns, 'may', 'watch namespaces'],
  [coredns, 'may', 'list pods'],
  [coredns, 'may', `watch ${slices}`],
  [coredns, 'may not', 'get services kube-dns', 'kube-system'],
  [coredns, 'may not', 'list secrets', 'kube-system'],
  [coredns, 'may not', 'list nodes'],
  [coredns, 'may not', 'update services kube-dns', 'kube-system'],
  [kubeProxy, 'may', 'list services'],
  [kubeProxy, 'may', `list ${slices}`, 'default'],
  [kubeProxy, 'may', `watch ${slices}`],
  [kubeProxy, 'may', 'get nodes worker'],
  [kubeProxy, 'may', 'create events.events.k8s.io', 'default'],
  [kubeProxy, 'may not', 'list pods'],
  [kubeProxy, 'may not', 'get configmaps kube-proxy', 'kube-system'],
  [kindnet, 'may', 'list nodes'],
  [kindnet, 'may', 'watch nodes'],
  [kindnet, 'may', 'watch networkpolicies.networking.k8s.io'],
  [kindnet, 'may not', 'get nodes worker'],
  [kindnet, 'may not', 'update nodes worker'],
  [kindnet, 'may not', 'list services'],
  [flannel, 'may not', 'get nodes worker'],
  [idle, 'may not', 'list pods', 'team'],
  [idle, 'may not', 'get secrets key', 'team'],
  [idle, 'may not', 'get configmaps settings', 'team'],
  [idle, 'may', 'get /api/v1'],
  [idle, 'may', 'get /.well-known/openid-configuration'],
  [nobody, 'may not', 'get /.well-known/openid-configuration'],
  [serviceAccount('kube-system', 'default'), 'may not', 'list nodes'],
  [scheduler, 'may', 'create pods/binding here', 'team'],
  [scheduler, 'may', 'update leases.coordination.k8s.io kube-scheduler', 'kube-system'],
  [scheduler, 'may not', 'update leases.coordination.k8s.io kube-controller-manager', 'kube-system'],
  [scheduler, 'may not', 'create pods', 'team'],
  [manager, 'may', 'watch replicasets.apps'],
  [manager, 'may not', 'update replicasets.apps web', 'team'],
  [controller('deployment-controller'), 'may', 'create replicasets.apps', 'team'],
  [controller('deployment-controller'), 'may not', 'create pods', 'team'],
  [controller('replicaset-controller'), 'may', 'create pods', 'team'],
  [controller('endpointslice-controller'), 'may', `create ${slices}`, 'team'],
  [controller('endpoint-controller'), 'may', 'update endpoints web', 'team'],
  [controller('namespace-controller'), 'may', 'deletecollection configmaps', 'team'],
  [controller('generic-garbage-collector'), 'may', 'delete replicasets.apps web', 'team'],
  [controller('node-controller'), 'may', 'delete pods here', 'team'],
  [controller('daemon-set-controller'), 'may', 'create controllerrevisions.apps', 'team'],
  [controller('root-ca-cert-publisher'), 'may', 'create configmaps', 'team'],
  [controller('service-account-controller'), 'may', 'create serviceaccounts', 'team'],
  [worker, 'may', 'get nodes worker'],
  [worker, 'may not', 'get nodes worker2'],
  [worker, 'may not', 'list nodes'],
  [worker, 'may', 'create nodes'],
  [worker, 'may', 'update nodes/status worker'],
  [worker, 'may', 'list pods', undefined, 'spec.nodeName=worker'],
  [worker, 'may not', 'list pods', undefined, 'spec.nodeName=worker2'],
  [worker, 'may not', 'list pods'],
  [worker, 'may', 'get pods here', 'team'],
  [worker, 'may not', 'get pods there', 'team'],
  [worker, 'may', 'update pods/status here', 'team'],
  [worker, 'may', 'get secrets key', 'team'],
  [worker, 'may not', 'get secrets other', 'team'],
  [worker, 'may not', 'list secrets', 'team'],
  [worker, 'may', 'get configmaps settings', 'team'],
  [worker, 'may', 'create serviceaccounts/token default', 'team'],
  [worker, 'may not', 'create serviceaccounts/token default', 'default'],
  [worker, 'may', 'update leases.coordination.k8s.io worker', 'kube-node-lease'],
  [worker, 'may not', 'update leases.coordination.k8s.io worker2', 'kube-node-lease'],
  [worker, 'may not', 'create deployments.apps', 'team'],
  [{ username: 'system:node:worker', groups: ['system:authenticated'] }, 'may not', 'get nodes worker'],
]

test.each(rows.map((row) => [row[0].username, ...row.slice(1), row] as const))('%s %s %s in %s', (...given) => {
  const [who, verdict, text, namespace, selector] = given.at(-1) as unknown as Row
  expect(world.authorizer.authorize(who, attributes(text, namespace, selector)).allowed).toBe(verdict === 'may')
})

test.each([
  ['may', 'get pods kube-flannel-ds-x', 'kube-flannel'],
  ['may', 'watch nodes', undefined],
  ['may', 'patch nodes/status worker', undefined],
  ['may not', 'patch nodes worker', undefined],
  ['may not', 'list pods', undefined],
  ['may not', 'list services', undefined],
])('flannel %s %s', (verdict, text, namespace) => {
  expect(flannelWorld.authorizer.authorize(flannel, attributes(text, namespace)).allowed).toBe(verdict === 'may')
})

test('says which binding allowed it, and what a binding leads to that is not there', () => {
  const { authorize } = world.authorizer
  expect(authorize(viewer, attributes('list pods', 'team')).reason).toBe(
    'RBAC: allowed by RoleBinding "view/team" of Role "reader" to User "vera"',
  )
  expect(authorize(coredns, attributes('list pods')).reason).toBe(
    'RBAC: allowed by ClusterRoleBinding "system:coredns" of ClusterRole "system:coredns" to ServiceAccount "coredns/kube-system"',
  )
  world.apply(clusterBinding('lost', [user('lost')], 'gone'))
  expect(authorize(person('lost'), attributes('list pods'))).toEqual({
    allowed: false,
    reason: 'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found',
  })
  expect(authorize(worker, attributes('get secrets other', 'team')).reason).toBe(
    "no relationship found between node 'worker' and this object",
  )
})

test('a change counts at once: a new binding, another rule, a role that joins an aggregate, a deletion', () => {
  const { api, apply, authorizer } = rbacWorld()
  const may = (text: string) => authorizer.authorize(nobody, attributes(text, 'team')).allowed
  expect(may('list widgets.example.com')).toBe(false)
  apply(binding('team', 'nobody', [user('nobody')], 'own'), role('team', 'own', [rule('get', '', 'pods')]))
  expect([may('get pods x'), may('list pods')]).toEqual([true, false])
  const own = api.get('roles.rbac.authorization.k8s.io', 'team', 'own')
  api.update('roles.rbac.authorization.k8s.io', { ...own, rules: [rule('list', '', 'pods')] })
  expect([may('get pods x'), may('list pods')]).toEqual([false, true])
  apply(clusterBinding('nobody', [user('nobody')], 'admin'))
  expect([may('create pods'), may('list widgets.example.com')]).toEqual([true, false])
  const joining = { labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } }
  apply(clusterRole('widgets', [rule(read, 'example.com', 'widgets')], joining))
  expect(may('list widgets.example.com')).toBe(true)
  api.delete('clusterrolebindings.rbac.authorization.k8s.io', undefined, 'nobody')
  expect([may('create pods'), may('list pods')]).toEqual([false, true])
})

test('bindings are read again only after one was written', () => {
  const { store, apply } = rbacWorld()
  let looks = 0
  const counted = new Proxy(store, {
    get: (target, field) => {
      if (field === 'get') looks++
      const value = Reflect.get(target, field, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const authorize = rbacAuthorizer(counted)
  const ask = () => authorize(coredns, attributes('list pods'))
  ask()
  const first = looks
  for (let time = 0; time < 100; time++) ask()
  expect([first > 0, looks]).toEqual([true, first])
  apply(clusterRole('another', []))
  ask()
  expect(looks).toBe(2 * first)
})

test('over HTTP a refusal is the real sentence', async () => {
  const pods = await world.call(viewer, 'GET', '/api/v1/namespaces/default/pods')
  expect([pods.code, pods.body.message]).toEqual([
    403,
    'pods is forbidden: User "vera" cannot list resource "pods" in API group "" in the namespace "default"',
  ])
  const nodes = await world.call(worker, 'GET', '/api/v1/nodes/worker2')
  expect(nodes.body.message).toBe(
    'nodes "worker2" is forbidden: User "system:node:worker" cannot get resource "nodes" in API group "" at the cluster scope: node \'worker\' cannot read \'worker2\', only its own Node object',
  )
  const review = await world.call(viewer, 'POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
    spec: { resourceAttributes: { verb: 'list', resource: 'pods', namespace: 'team' } },
  })
  expect(review.body.status).toEqual({ allowed: true, reason: 'RBAC: allowed by RoleBinding "view/team" of Role "reader" to User "vera"' })
})

test('lists the rules of a user', () => {
  const rules = world.authorizer.rulesFor(viewer, 'team')
  expect(rules.resourceRules).toContainEqual({ verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['pods'] })
  expect(rules.resourceRules).toHaveLength(3)
  expect(rules.nonResourceRules.map(({ nonResourceURLs }) => nonResourceURLs?.length)).toEqual([11, 5])
  expect(rules.incomplete).toBe(false)
  expect(world.authorizer.rulesFor(viewer, 'default').resourceRules).toHaveLength(2)
  expect(world.authorizer.rulesFor(administrator, 'team').resourceRules).toContainEqual({
    verbs: ['*'],
    apiGroups: ['*'],
    resources: ['*'],
  })
  expect(world.authorizer.rulesFor(worker, 'team')).toMatchObject({
    incomplete: true,
    evaluationError: 'node authorizer does not support user rule resolution for node "worker"',
  })
})

test('an in-process client is held to the same; what it may list and watch it may look up', () => {
  const as = (who: UserInfo) => authorizedApi(world.api.as(who), who, world.authorizer.authorize)
  expect(as(coredns).find('services', 'kube-system', 'kube-dns')).toBeUndefined()
  expect(() => as(coredns).find('secrets', 'kube-system', 'x')).toThrow(
    'secrets "x" is forbidden: User "system:serviceaccount:kube-system:coredns" cannot get resource "secrets" in API group "" in the namespace "kube-system"',
  )
  expect(as(worker).list('pods', { fieldSelector: 'spec.nodeName=worker' })).toHaveLength(1)
  expect(() => as(idle).watch('pods', () => {}, { namespace: 'team' })).toThrow('cannot watch resource "pods"')
  expect(() => as(kindnet).patch('nodes', undefined, 'worker', {}, { type: 'merge', subresource: 'status' })).toThrow(
    'cannot patch resource "nodes/status"',
  )
})

test('a cache outlasts the right to fill it, a new client does not get one', () => {
  const { api, apply, authorizer } = rbacWorld()
  apply(clusterRole('pods', [rule('list watch', '', 'pods')]), clusterBinding('pods', [user('nobody')]))
  const client = () => authorizedApi(api.as(nobody), nobody, authorizer.authorize)
  const started = client()
  expect(started.list('pods')).toEqual([])
  api.delete('clusterrolebindings.rbac.authorization.k8s.io', undefined, 'pods')
  expect(started.find('pods', 'team', 'x')).toBeUndefined()
  expect(() => client().list('pods')).toThrow(
    'pods is forbidden: User "nobody" cannot list resource "pods" in API group "" at the cluster scope',
  )
})
