import type { Command, Process } from '../process.ts'
import { configFolder } from './agent/agent.ts'

const account = '/var/run/secrets/kubernetes.io/serviceaccount'

/** `cilium-dbg build-config`: the ConfigMap cilium-config as files, for the agent (cilium-dbg/cmd/build-config.go). */
export async function buildConfig({ files, env, fetch, stdout, stderr }: Process): Promise<number> {
  const namespace = env['CILIUM_K8S_NAMESPACE'] ?? 'kube-system'
  const url = `https://${env['KUBERNETES_SERVICE_HOST']}:${env['KUBERNETES_SERVICE_PORT']}/api/v1/namespaces/${namespace}/configmaps/cilium-config`
  await stdout.write('Running\n')
  await stdout.write(
    `Establishing connection to apiserver host="https://${env['KUBERNETES_SERVICE_HOST']}:${env['KUBERNETES_SERVICE_PORT']}"\n`,
  )
  let answer: { data?: Record<string, string>; message?: string; kind?: string }
  try {
    const token = files.exists(`${account}/token`) ? files.readText(`${account}/token`) : ''
    const response = await fetch(new Request(url, { headers: { authorization: `Bearer ${token}` } }))
    answer = (await response.json()) as typeof answer
  } catch (error) {
    await stderr.write(`Build config failed: failed to start: Get "${url}": ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
  if (answer.kind === 'Status') {
    await stderr.write(
      `Build config failed: failed to resolve configurations: failed to read config source config-map:${namespace}/cilium-config: failed to retrieve ConfigMap ${namespace}/cilium-config: ${answer.message}\n`,
    )
    return 1
  }
  files.makeDirectory(configFolder, { parents: true })
  for (const [key, value] of Object.entries(answer.data ?? {})) files.write(`${configFolder}/${key}`, value)
  await stdout.write(`Reading configuration from config-map:${namespace}/cilium-config\n`)
  await stdout.write(`Got ${Object.keys(answer.data ?? {}).length} config pairs from source config-map:${namespace}/cilium-config\n`)
  return 0
}

/** /install-plugin.sh: the CNI plugin onto the node. */
export const installPlugin: Command = {
  kind: 'command',
  id: 'cilium/install-plugin',
  async run({ files, stdout }) {
    const folder = '/host/opt/cni/bin'
    await stdout.write(`Installing cilium-cni to ${folder}/ ...\n`)
    files.write(`${folder}/cilium-cni`, files.readText('/opt/cni/bin/cilium-cni'))
    files.setMode(`${folder}/cilium-cni`, 0o755)
    await stdout.write(`wrote ${folder}/cilium-cni\n`)
    return 0
  },
}

/** /init-container.sh: forgets what the kernel has, where the configuration says so. */
export const initContainer: Command = {
  kind: 'command',
  id: 'cilium/init-container',
  async run({ env, namespace: host, files }) {
    if (env['CILIUM_ALL_STATE'] !== 'true' && env['CILIUM_BPF_STATE'] !== 'true') return 0
    for (const link of host.links()) for (const hook of ['ingress', 'egress'] as const) host.attachTc(link.name, hook, undefined)
    host.machine.bpf.load(undefined)
    if (env['CILIUM_ALL_STATE'] === 'true' && files.exists('/var/run/cilium/state'))
      files.remove('/var/run/cilium/state', { recursive: true })
    return 0
  },
}

/** The node's own tools, that the init containers run within its namespaces: the mounts and settings that they see to are there already. */
const onNode = ['cilium-mount', 'cilium-sysctlfix']

export const nsenter: Command = {
  kind: 'command',
  id: 'cilium/nsenter',
  async run({ argv, stderr }) {
    const wanted = argv.slice(1).find((argument) => !argument.startsWith('-')) ?? ''
    if (onNode.some((name) => wanted.endsWith(`/${name}`))) return 0
    await stderr.write(`nsenter: the simulated cluster models it for ${onNode.join(' and ')} only, not for ${wanted || 'a shell'}\n`)
    return 1
  },
}

export const mount: Command = {
  kind: 'command',
  id: 'cilium/mount',
  async run({ argv, stdout, stderr }) {
    if (argv.length > 1) {
      await stderr.write('mount: the simulated cluster models no mounting, only the list of what is\n')
      return 32
    }
    await stdout.write(
      'bpf on /sys/fs/bpf type bpf (rw,nosuid,nodev,noexec,relatime,mode=700)\ncgroup2 on /run/cilium/cgroupv2 type cgroup2 (rw,relatime)\n',
    )
    return 0
  },
}

/** What is copied onto the node for a moment; it runs there through nsenter alone. */
export const nodeTool = (name: string): Command => ({ kind: 'command', id: `cilium/${name}`, run: async () => 0 })
