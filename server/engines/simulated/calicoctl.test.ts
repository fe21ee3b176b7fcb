import { expect, it } from 'vitest'
import { calicoManifest } from '../../../simulator/bootstrap/calico.ts'
import { type Place, runProcess } from '../../../simulator/kubelet/runtime/run-process.ts'
import { ninePods } from './testing/nine-pods.ts'

type World = Awaited<ReturnType<typeof ninePods>>

async function run(world: World, place: Place, line: string) {
  let output = ''
  const sink = {
    async write(data: Uint8Array | string) {
      output += typeof data === 'string' ? data : new TextDecoder().decode(data)
    },
  }
  const running = runProcess(place, line.split(' '), { stdout: sink, stderr: sink })
  if ('problem' in running) throw new Error(running.problem)
  let code: number | undefined
  void running.exit.then((ended) => (code = ended))
  for (let turn = 0; turn < 200 && code === undefined; turn++) await world.pass(10)
  return { code, output }
}

it('shows nodes, pools, endpoints and policies as calicoctl does', async () => {
  const world = await ninePods('calico')
  world.apply({
    policies: [{ podSelector: { matchLabels: { pod: 'a' } } }],
    calico: [
      { kind: 'GlobalNetworkPolicy', name: 'default.deny', spec: { order: 500, selector: 'has(never)', types: ['Ingress'] } },
      { kind: 'NetworkPolicy', name: 'web', spec: { selector: "pod == 'a'" } },
    ],
  })
  const ctl = async (line: string) => (await run(world, world.cluster.workstation, `calicoctl ${line}`)).output
  expect(await ctl('get nodes -o wide')).toBe(
    [
      'NAME                 ASN       IPV4            IPV6   ',
      'test-control-plane   (64512)   172.18.0.2/16          ',
      'test-worker          (64512)   172.18.0.3/16          ',
      'test-worker2         (64512)   172.18.0.4/16          ',
      '\n',
    ].join('\n'),
  )
  expect(await ctl('get ippools -o wide')).toBe(
    [
      'NAME                  CIDR            NAT    IPIPMODE   VXLANMODE   DISABLED   DISABLEBGPEXPORT   SELECTOR   ASSIGNMENTMODE   ',
      'default-ipv4-ippool   10.244.0.0/16   true   Never      Always      false      false              all()      Automatic        ',
      '\n',
    ].join('\n'),
  )
  expect(await ctl('get workloadendpoints -n x')).toContain(
    `x           a          test-worker    ${`${world.address('x/a')}/32`.padEnd(20)}cali`,
  )
  expect((await ctl('get networkpolicy -A -o wide')).split('\n').map((line) => line.trimEnd())).toEqual([
    'NAMESPACE   NAME                   TIER      ORDER   SELECTOR',
    "x           knp.default.policy-0   default   1000    projectcalico.org/orchestrator == 'k8s' && pod == 'a'",
    "x           web                    default   <nil>   pod == 'a'",
    '',
    '',
  ])
  expect(await ctl('get gnp')).toBe('NAME   TIER      \ndeny   default   \n\n')
  expect(await ctl('get gnp deny -o yaml')).toMatch(
    /^apiVersion: projectcalico.org\/v3\nkind: GlobalNetworkPolicy\nmetadata:\n {2}creationTimestamp: "2026-01-01T00:01:10Z"\n {2}name: deny\n {2}resourceVersion: "\d+"\n {2}uid: .*\nspec:\n {2}order: 500\n {2}selector: has\(never\)\n {2}tier: default\n {2}types:\n {2}- Ingress\n$/,
  )
  expect(await ctl('get tiers')).toContain('default                      1e+06   ')
  expect(await ctl('get gnp nothing')).toBe('Failed to get resources: resource does not exist: GlobalNetworkPolicy(nothing)\n')
  expect(await ctl('apply -f x.yaml')).toContain('the simulated calicoctl does not model apply')
  expect(await ctl('version')).toMatch(
    /^Client Version: {4}v3\.30\.4\nGit commit: {8}\w+\nCluster Version: {3}v3\.30\.4\nCluster Type: {6}k8s,bgp,kdd\n$/,
  )
  expect(await ctl('ipam show')).toBe(
    [
      '+----------+---------------+-----------+------------+--------------+',
      '| GROUPING |     CIDR      | IPS TOTAL | IPS IN USE |   IPS FREE   |',
      '+----------+---------------+-----------+------------+--------------+',
      '| IP Pool  | 10.244.0.0/16 |     65536 | 15 (0%)    | 65521 (100%) |',
      '+----------+---------------+-----------+------------+--------------+',
      '',
    ].join('\n'),
  )
  expect(await ctl(`ipam show --ip=${world.address('x/a')}`)).toBe(
    `IP ${world.address('x/a')} is in use\nAttributes:\n  namespace: x\n  node: test-worker\n  pod: a\n`,
  )
  expect(await ctl('ipam show --ip=10.244.255.255')).toBe('10.244.255.255 is not assigned\n')
  expect(await run(world, world.cluster.workstation, 'calicoctl node status')).toEqual({
    code: 1,
    output: 'Calico process is not running.\n',
  })
  expect(await run(world, world.cluster.nodePlace('test-worker')!, 'calicoctl node status')).toEqual({
    code: 0,
    output: 'Calico process is running.\n\nThe BGP backend process (BIRD) is not running.\n\n',
  })
  expect(world.defects).toEqual([])
})

it("shows BIRD's neighbours on a node, and reads the cluster from a pod of its image", async () => {
  const world = await ninePods(calicoManifest('bird'))
  expect((await run(world, world.cluster.nodePlace('test-worker')!, 'calicoctl node status')).output).toBe(
    [
      'Calico process is running.',
      '',
      'IPv4 BGP status',
      '+--------------+-------------------+-------+----------+-------------+',
      '| PEER ADDRESS |     PEER TYPE     | STATE |  SINCE   |    INFO     |',
      '+--------------+-------------------+-------+----------+-------------+',
      '| 172.18.0.2   | node-to-node mesh | up    | 00:00:02 | Established |',
      '| 172.18.0.4   | node-to-node mesh | up    | 00:00:02 | Established |',
      '+--------------+-------------------+-------+----------+-------------+',
      '',
      'IPv6 BGP status',
      'No IPv6 peers found.',
      '',
      '',
    ].join('\n'),
  )
  const { api } = world.cluster
  api.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'calicoctl', namespace: 'kube-system' } })
  api.create('clusterrolebindings.rbac.authorization.k8s.io', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'calicoctl' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', name: 'calicoctl', namespace: 'kube-system' }],
  })
  const command = { command: ['/calicoctl'], args: ['version', '--poll=1m'], env: [{ name: 'DATASTORE_TYPE', value: 'kubernetes' }] }
  api.create('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'calicoctl', namespace: 'kube-system' },
    spec: {
      hostNetwork: true,
      serviceAccountName: 'calicoctl',
      containers: [{ name: 'calicoctl', image: 'calico/ctl:v3.30.4', ...command }],
    },
  })
  await world.pass(20_000)
  const place = world.cluster.podPlace('kube-system', 'calicoctl')
  expect((await run(world, place, '/calicoctl get bgpconfig')).output).toBe('NAME   LOGSEVERITY   MESHENABLED   ASNUMBER   \n\n')
  expect((await run(world, place, '/calicoctl get ippool')).output).toContain('default-ipv4-ippool   10.244.0.0/16   all()')
  expect(world.defects).toEqual([])
})
