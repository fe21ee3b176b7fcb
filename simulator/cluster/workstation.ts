import type { Clock } from '../clock.ts'
import { programsOf } from '../kubelet/runtime/programs.ts'
import type { Place } from '../kubelet/runtime/run-process.ts'
import type { MemoryFiles } from '../memory-files.ts'
import type { Network } from '../network/network.ts'
import type { Catalogue } from '../programs/process.ts'
import { resolve } from '../programs/resolver/resolver.ts'
import type { Random } from '../random.ts'
import { workstationName } from './hosts.ts'

interface WorkstationParts {
  readonly clock: Clock
  readonly random: Random
  readonly network: Network
  readonly catalogue: Catalogue
  readonly files: MemoryFiles
  readonly trace?: Place['trace']
  onError(error: unknown): void
}

/** The machine on which the learner's terminal runs: a host on the node segment with tools and a kubeconfig, and no part of the cluster. */
export function createWorkstation({ clock, random, network, catalogue, files, trace, onError }: WorkstationParts): Place {
  const machine = network.machine(workstationName)
  if (!machine) throw new Error('the network has no workstation')
  let pid = 1
  const namespace = machine.root
  return {
    files,
    env: {
      HOME: '/root',
      USER: 'root',
      LOGNAME: 'root',
      SHELL: '/bin/bash',
      PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
      LANG: 'C.UTF-8',
      TERM: 'xterm-256color',
      EDITOR: 'nano',
      KUBECONFIG: '/root/.kube/config',
    },
    cwd: '/root',
    hostname: workstationName,
    user: 'root',
    namespace,
    clock,
    random,
    programs: programsOf(catalogue),
    processes: new Set(),
    nextPid: () => ++pid,
    async resolve(host) {
      const found = await resolve({ sockets: namespace.sockets, files, clock, random }, host)
      return 'addresses' in found ? found.addresses : []
    },
    ...(trace ? { trace } : {}),
    crashed: (error) => onError(error),
  }
}
