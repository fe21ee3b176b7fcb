import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { realKubectl } from '../real-kubectl.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const run = promisify(execFile)
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'faultline-simulate-test-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function simulate(...flags: string[]) {
  const child = spawn(process.execPath, [join(root, 'scripts/faultline.mjs'), 'simulate', ...flags], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (bytes: Buffer) => {
    out += bytes.toString()
  })
  child.stderr.on('data', (bytes: Buffer) => {
    err += bytes.toString()
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  return { child, ended, out: () => out, err: () => err }
}

it('starts a bare cluster from a shell, says when it is ready, and stops on Ctrl-C', async () => {
  const kubeconfig = join(folder, 'cluster.yaml')
  const running = simulate('--cni', 'flannel', '--nodes', '3', '--kubeconfig', kubeconfig)
  for (let waited = 0; !running.out().includes('\n') && waited < 20_000; waited += 50)
    await new Promise((resolve) => setTimeout(resolve, 50))
  expect(running.out(), running.err()).toMatch(/^Simulated cluster ready in \d+ ms: 3 nodes, flannel, Kubernetes 1\.34; .*\n$/)
  expect(statSync(kubeconfig).mode & 0o777).toBe(0o600)
  const { stdout } = await run(realKubectl('1.35'), ['--kubeconfig', kubeconfig, 'get', 'pods', '-n', 'kube-flannel'])
  expect(stdout.match(/kube-flannel-ds-\w+ +1\/1 +Running/g)).toHaveLength(3)
  running.child.kill('SIGINT')
  expect(await running.ended).toBe(0)
})

it('shows Calico as its manifest installs it', async () => {
  const kubeconfig = join(folder, 'calico.yaml')
  const running = simulate('--cni', 'calico', '--nodes', '3', '--kubeconfig', kubeconfig)
  for (let waited = 0; !running.out().includes('\n') && waited < 20_000; waited += 50)
    await new Promise((resolve) => setTimeout(resolve, 50))
  expect(running.out(), running.err()).toMatch(/3 nodes, calico,/)
  const kubectl = async (...words: string[]) => (await run(realKubectl('1.35'), ['--kubeconfig', kubeconfig, ...words])).stdout
  const pods = await kubectl('get', 'pods', '-n', 'kube-system')
  expect(pods.match(/calico-node-\w+ +1\/1 +Running/g)).toHaveLength(3)
  expect(pods).toMatch(/calico-kube-controllers-\w+-\w+ +1\/1 +Running/)
  expect(await kubectl('get', 'ippools', '-o', 'jsonpath={.items[*].spec.cidr}')).toBe('10.244.0.0/16')
  expect((await kubectl('get', 'blockaffinities.crd.projectcalico.org')).split('\n')).toHaveLength(5)
  const log = await kubectl('logs', '-n', 'kube-system', 'ds/calico-node', '-c', 'install-cni')
  expect(log).toMatch(/Created \/host\/etc\/cni\/net\.d\/10-calico\.conflist/)
  const rules = await kubectl('exec', '-n', 'kube-system', 'ds/calico-node', '--', 'iptables-save', '-t', 'filter')
  expect(rules).toContain('-A FORWARD -m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD')
  running.child.kill('SIGINT')
  expect(await running.ended).toBe(0)
})

it('makes a cluster without a network, onto which real kubectl installs Weave Net from the printed manifests', async () => {
  const kubeconfig = join(folder, 'none.yaml')
  const running = simulate('--cni', 'none', '--nodes', '2', '--kubeconfig', kubeconfig)
  for (let waited = 0; !running.out().includes('\n') && waited < 20_000; waited += 50)
    await new Promise((resolve) => setTimeout(resolve, 50))
  expect(running.out(), running.err()).toMatch(/2 nodes, none,/)
  const kubectl = async (...words: string[]) => (await run(realKubectl('1.35'), ['--kubeconfig', kubeconfig, ...words])).stdout
  expect((await kubectl('get', 'nodes')).match(/ NotReady /g)).toHaveLength(2)
  expect(await kubectl('describe', 'node', 'faultline-worker')).toContain(
    'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized',
  )
  const file = join(folder, 'weave.yaml')
  writeFileSync(file, (await run(process.execPath, [join(root, 'scripts/faultline.mjs'), 'manifests', 'weave'])).stdout)
  expect(await kubectl('apply', '-f', file)).toContain('daemonset.apps/weave-net created')
  await kubectl('wait', '--for=condition=Ready', 'node', '--all', '--timeout=60s')
  await kubectl('rollout', 'status', '-n', 'kube-system', 'ds/weave-net', '--timeout=60s')
  const status = await kubectl('exec', '-n', 'kube-system', 'ds/weave-net', '-c', 'weave', '--', '/home/weave/weave', '--local', 'status')
  expect(status).toMatch(/Connections: 1 \(1 established\)/)
  expect(status).toContain('Range: 10.32.0.0/12')
  running.child.kill('SIGINT')
  expect(await running.ended).toBe(0)
})

it('shows Cilium without kube-proxy, as its command line installs it, and what its own commands say', async () => {
  const kubeconfig = join(folder, 'cilium.yaml')
  const running = simulate('--cni', 'cilium', '--nodes', '3', '--kubeconfig', kubeconfig)
  for (let waited = 0; !running.out().includes('\n') && waited < 60_000; waited += 50)
    await new Promise((resolve) => setTimeout(resolve, 50))
  expect(running.out(), running.err()).toMatch(/3 nodes, cilium,/)
  const kubectl = async (...words: string[]) => (await run(realKubectl('1.35'), ['--kubeconfig', kubeconfig, ...words])).stdout
  const agent = (...words: string[]) => kubectl('exec', '-n', 'kube-system', 'ds/cilium', '-c', 'cilium-agent', '--', ...words)
  const pods = await kubectl('get', 'pods', '-n', 'kube-system')
  expect(pods.match(/cilium-\w{5} +1\/1 +Running/g)).toHaveLength(3)
  expect(pods).toMatch(/cilium-operator-\w+-\w+ +1\/1 +Running/)
  expect(pods).not.toContain('kube-proxy')
  expect(await kubectl('get', 'nodes')).not.toContain('NotReady')
  expect(await kubectl('get', 'cep', '-A')).toMatch(
    /NAMESPACE +NAME +SECURITY IDENTITY +ENDPOINT STATE +IPV4 +IPV6\nkube-system +coredns-\S+ +\d+ +ready +10\.244\./,
  )
  expect(await kubectl('get', 'ciliumnodes')).toMatch(
    /NAME +CILIUMINTERNALIP +INTERNALIP +AGE\nfaultline-control-plane +10\.244\.0\.\d+ +172\.18\.0\.2/,
  )
  expect(await kubectl('get', 'ciliumid')).toMatch(/NAME +NAMESPACE +AGE\n\d+ +kube-system/)
  expect(await kubectl('explain', 'cnp.spec.ingressDeny')).toContain('fromEntities')
  const policy =
    'apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: { name: one }\nspec: { endpointSelector: {}, ingress: [{}] }\n'
  writeFileSync(join(folder, 'cnp.yaml'), policy)
  await kubectl('apply', '-f', join(folder, 'cnp.yaml'))
  expect(await kubectl('get', 'cnp')).toMatch(/NAME +AGE +VALID\none +\S+ +True/)
  const status = await agent('cilium-dbg', 'status')
  expect(status).toMatch(/^KubeProxyReplacement: +True {3}\[eth0 {3}172\.18\.0\.\d \(Direct Routing\)\]$/m)
  expect(status).toMatch(/^Routing: +Network: Tunnel \[vxlan\] {3}Host: Legacy$/m)
  expect(await agent('cilium', 'status', '--brief')).toBe('OK\n')
  expect(await agent('cilium-dbg', 'service', 'list')).toMatch(/ID +Frontend +Service Type +Backend/)
  expect(await agent('cilium-dbg', 'service', 'list')).toMatch(/10\.96\.0\.1:443\/TCP +ClusterIP +1 => 172\.18\.0\.2:6443\/TCP \(active\)/)
  expect(await agent('cilium-dbg', 'identity', 'list')).toMatch(/^1 +reserved:host/m)
  expect(await agent('cilium-dbg', 'endpoint', 'list')).toMatch(/^ENDPOINT +POLICY \(ingress\) +POLICY \(egress\) +IDENTITY/)
  expect(await agent('cilium-dbg', 'policy', 'get')).toContain('"value": "CiliumNetworkPolicy"')
  await kubectl('run', 'web', '--image=nginx:1.27-alpine', '--port=80')
  await kubectl('wait', '--for=condition=Ready', 'pod/web', '--timeout=20s')
  const [node, address] = (await kubectl('get', 'pod', 'web', '-o', 'jsonpath={.spec.nodeName} {.status.podIP}')).split(' ')
  await kubectl('run', 'client', '--image=busybox:1.37', '--', 'sleep', '3600')
  await kubectl('wait', '--for=condition=Ready', 'pod/client', '--timeout=20s')
  await expect(kubectl('exec', 'client', '--', 'wget', '-q', '-T', '1', '-O-', `http://${address}`)).rejects.toThrow(/download timed out/)
  const there = (
    await kubectl('get', 'pods', '-n', 'kube-system', '-l', 'k8s-app=cilium', '--field-selector', `spec.nodeName=${node}`, '-o', 'name')
  ).trim()
  const flows = await kubectl('exec', '-n', 'kube-system', there, '-c', 'cilium-agent', '--', 'hubble', 'observe', '--verdict', 'DROPPED')
  expect(flows).toMatch(
    /^\w{3} [ \d]\d [\d:.]+: default\/client:\d+ \(ID:\d+\) <> default\/web:80 \(ID:\d+\) policy-verdict:none INGRESS DENIED \(TCP Flags: SYN\)$/m,
  )
  expect(flows).toMatch(/ Policy denied DROPPED \(TCP Flags: SYN\)$/m)
  running.child.kill('SIGINT')
  expect(await running.ended).toBe(0)
})

it('refuses what it does not model, in one sentence with the mend', async () => {
  const running = simulate('--cni', 'canal', '--kubeconfig', join(folder, 'cluster.yaml'))
  expect(await running.ended).not.toBe(0)
  expect(running.err()).toMatch(/does not model the CNI plugin canal/)
  expect(running.err()).toMatch(/kindnet, flannel, calico, cilium, weave or none/)
  expect(existsSync(join(folder, 'cluster.yaml'))).toBe(false)
})
