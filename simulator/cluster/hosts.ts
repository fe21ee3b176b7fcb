import { controlPlaneManifests } from '../bootstrap/control-plane.ts'
import { addresses, type ClusterSpec, nodeAddress, nodeNames } from '../bootstrap/spec.ts'
import { type FileTree, fileTree } from '../memory-files.ts'
import { type Catalogue, executable, type Program } from '../programs/process.ts'

/** The workstation's address on the node segment. */
export const workstationAddress = '172.18.0.100'
export const workstationName = 'workstation'

type Files = Record<string, { content: string; mode?: number }>

/** A node's files before anything ran on it: the operating system's, the CNI plugins', and the control plane's manifests on the first. */
export function nodeFiles(spec: ClusterSpec, index: number, catalogue: Catalogue, rootCertificate: string, now: number): FileTree {
  const name = nodeNames(spec)[index] as string
  return fileTree(
    {
      ...operatingSystem(spec, name, 'Debian GNU/Linux 12 (bookworm)'),
      '/etc/kubernetes/pki/ca.crt': { content: rootCertificate },
      ...(index === 0 ? texts(controlPlaneManifests(spec)) : {}),
      ...programs(catalogue.nodeExecutables),
    },
    now,
  )
}

/** The workstation's files: the learner's home with a kubeconfig, and the tools. */
export function workstationFiles(spec: ClusterSpec, catalogue: Catalogue, token: string, now: number): FileTree {
  return fileTree(
    {
      ...operatingSystem(spec, workstationName, 'Faultline workstation'),
      '/root/.kube/config': { content: kubeconfig(spec, token), mode: 0o600 },
      '/root/.profile': { content: "alias k=kubectl\nalias ll='ls -l'\nalias ls='ls --color=auto'\nalias grep='grep --color=auto'\n" },
      '/tmp/.keep': { content: '' },
      ...programs(catalogue.workstationExecutables),
    },
    now,
  )
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
  })
}

/** The learner's kubeconfig inside the simulation: the API server by the control plane's own address. */
function kubeconfig(spec: ClusterSpec, token: string): string {
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
