import { controlPlaneManifests } from '../bootstrap/control-plane.ts'
import { manifestNames, pluginYaml } from '../bootstrap/plugin-manifests.ts'
import { addresses, type ClusterSpec, nodeAddress, nodeNames } from '../bootstrap/spec.ts'
import { type FileTree, fileTree } from '../memory-files.ts'
import { type Catalogue, executable, type Program } from '../programs/process.ts'

/** The workstation's address on the node segment. */
export const workstationAddress = '172.18.0.100'
export const workstationName = 'workstation'

/** Where the workstation has the manifests of network plugins, for clusters that were made without one or are to change theirs. */
const manifestFolder = '/etc/faultline/manifests'

type Files = Record<string, { content: string; mode?: number }>

/** Trees are immutable, so all clusters of one shape and moment (the forks of a template) share theirs. */
const shared = new WeakMap<object, Map<string, FileTree>>()
/** More moments than this are not remembered: templates are few. */
const mostShared = 64

function sharedTree(programs: Catalogue['nodeExecutables'], key: unknown, make: () => FileTree): FileTree {
  const trees = shared.get(programs) ?? new Map<string, FileTree>()
  shared.set(programs, trees)
  const text = JSON.stringify(key)
  const known = trees.get(text)
  if (known) return known
  if (trees.size >= mostShared) trees.clear()
  const made = make()
  trees.set(text, made)
  return made
}

/** A node's files before anything ran on it: the operating system's, the CNI plugins', and the control plane's manifests on the first. */
export function nodeFiles(spec: ClusterSpec, index: number, catalogue: Catalogue, rootCertificate: string, now: number): FileTree {
  const name = nodeNames(spec)[index] as string
  const make = () =>
    fileTree(
      {
        ...operatingSystem(spec, name, 'Debian GNU/Linux 12 (bookworm)'),
        '/proc/1/comm': { content: 'systemd\n' },
        '/etc/kubernetes/pki/ca.crt': { content: rootCertificate },
        ...(index === 0 ? texts(controlPlaneManifests(spec)) : {}),
        ...programs(catalogue.nodeExecutables),
      },
      now,
    )
  return sharedTree(catalogue.nodeExecutables, [spec.name, spec.nodes, index, rootCertificate, now], make)
}

/** The workstation's files: the learner's home and the tools. The kubeconfig is written over them: its token is the cluster's own. */
export function workstationFiles(spec: ClusterSpec, catalogue: Catalogue, now: number): FileTree {
  const make = () =>
    fileTree(
      {
        ...operatingSystem(spec, workstationName, 'Faultline workstation'),
        '/root/.profile': { content: "alias k=kubectl\nalias ll='ls -l'\nalias ls='ls --color=auto'\nalias grep='grep --color=auto'\n" },
        ...texts(Object.fromEntries(manifestNames.map((name) => [`${manifestFolder}/${name}.yaml`, pluginYaml(name, spec)]))),
        ...programs(catalogue.workstationExecutables),
      },
      now,
    )
  return sharedTree(catalogue.workstationExecutables, [spec.name, spec.nodes, now], make)
}

function operatingSystem(spec: ClusterSpec, hostname: string, title: string): Files {
  const hosts = nodeNames(spec).map((name, index) => `${nodeAddress(index)}\t${name}`)
  return texts({
    '/etc/hostname': `${hostname}\n`,
    '/etc/hosts': [
      '127.0.0.1\tlocalhost',
      '::1\tlocalhost ip6-localhost ip6-loopback',
      ...hosts,
      `${workstationAddress}\t${workstationName}`,
      '',
    ].join('\n'),
    '/etc/resolv.conf': `nameserver ${addresses.gateway}\noptions ndots:0\n`,
    '/etc/os-release': `PRETTY_NAME="${title}"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n`,
    '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\n',
    '/run/xtables.lock': '',
    '/tmp/.keep': '',
  })
}

/** The learner's kubeconfig inside the simulation: the API server by the control plane's own address. */
export function workstationKubeconfig(spec: ClusterSpec, token: string): string {
  const name = spec.name
  return [
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    `- name: ${name}`,
    '  cluster:',
    `    server: https://${nodeNames(spec)[0]}:${addresses.apiPort}`,
    'contexts:',
    `- name: ${name}`,
    '  context:',
    `    cluster: ${name}`,
    '    user: learner',
    `current-context: ${name}`,
    'users:',
    '- name: learner',
    '  user:',
    `    token: ${token}`,
    'preferences: {}',
    '',
  ].join('\n')
}

function texts(files: Readonly<Record<string, string>>): Files {
  return Object.fromEntries(Object.entries(files).map(([path, content]) => [path, { content }]))
}

function programs(executables: Readonly<Record<string, Program>>): Files {
  return Object.fromEntries(Object.entries(executables).map(([path, program]) => [path, { content: executable(program), mode: 0o755 }]))
}
