import type { Pod } from 'kubernetes-types/core/v1'
import type { Plugin } from '../../../../simulator/bootstrap/spec.ts'
import type { ClusterSnapshot, SimulatedCluster } from '../../../../simulator/cluster/cluster.ts'
import { type Place, runProcess } from '../../../../simulator/kubelet/runtime/run-process.ts'
import type { KubeObject } from '../../../../simulator/kubernetes.ts'
import { heldCluster } from '../testing/held-cluster.ts'
import { clients, type Expected, type Symptom, world } from './matrix.ts'

const bootMs = 90_000
/** No command of the matrix takes longer, ms of simulated time. */
const patience = 600_000
const stepMs = 250

export interface Played {
  /** The golden file. */
  readonly text: string
  /** What each client printed. */
  readonly said: Readonly<Record<keyof Expected, string>>
  readonly defects: readonly unknown[]
}

interface Stage {
  readonly cluster: SimulatedCluster
  pass(ms: number): Promise<void>
  readonly defects: unknown[]
}

/** A cluster with the matrix's pods and Services, at the moment from which every symptom of a plugin begins. */
export async function prepared(cni: Plugin): Promise<ClusterSnapshot> {
  const stage = open(cni)
  await stage.pass(bootMs)
  stage.cluster.workstation.files.write('/root/world.yaml', world)
  await shell(stage, stage.cluster.workstation, 'kubectl apply -f /root/world.yaml')
  await stage.pass(30_000)
  const snapshot = stage.cluster.snapshot()
  stage.cluster.close()
  if (stage.defects.length > 0) throw stage.defects[0]
  return snapshot
}

/** Makes the fault in a fork and lets the clients try. */
export async function play(cni: Plugin, from: ClusterSnapshot, symptom: Symptom): Promise<Played> {
  const stage = open(cni, from)
  const { cluster } = stage
  try {
    await stage.pass(1000)
    const lines = [`# ${symptom.name} on ${cni}`, ...symptom.sources.map(({ says, where }) => `# ${says}\n#   ${where}`)]
    const type = async (command: string, on?: string) => {
      const place = on === undefined ? cluster.workstation : cluster.nodePlace(on)
      if (!place) throw new Error(`there is no node ${on}`)
      const { code, output } = await shell(stage, place, command)
      lines.push('', `${on === undefined ? '' : `${on} `}$ ${command}`, output.trimEnd(), ...(code === 0 ? [] : [`[exit ${code}]`]))
      return output
    }
    for (const { on, run } of symptom.faultOn?.[cni] ?? symptom.fault) await type(run, on)
    await stage.pass((symptom.after ?? 10) * 1000)
    for (const look of symptom.looks ?? []) await type(look)
    const said = { curl: '', nslookup: '', trace: '' }
    for (const client of Object.keys(said) as (keyof Expected)[]) said[client] = await type(symptom.clients?.[client] ?? clients[client])
    return { text: steadied(cluster, `${lines.join('\n')}\n`), said, defects: stage.defects }
  } finally {
    cluster.close()
  }
}

const open = (cni: Plugin, from?: ClusterSnapshot): Stage => heldCluster({ name: 'faultline', nodes: 3, cni, seed: 1 }, from)

async function shell({ pass }: Stage, place: Place, script: string): Promise<{ code: number; output: string }> {
  const decoder = new TextDecoder()
  let output = ''
  const sink = {
    async write(data: Uint8Array | string) {
      output += typeof data === 'string' ? data : decoder.decode(data, { stream: true })
    },
  }
  const running = runProcess(place, ['bash', '-c', script], { stdout: sink, stderr: sink })
  if ('problem' in running) throw new Error(`no bash there: ${running.problem}`)
  let code: number | undefined
  void running.exit.then((status) => {
    code = status
  })
  for (let passed = 0; code === undefined && passed < patience; passed += stepMs) await pass(stepMs)
  if (code === undefined) throw new Error(`this did not end: ${script}`)
  return { code, output }
}

/** What is drawn at random or handed out in turn would move a golden with every change elsewhere: names stand for it. */
function steadied(cluster: SimulatedCluster, text: string): string {
  let steady = text
  for (const { metadata, spec, status } of cluster.api.list<KubeObject & Pod>('pods')) {
    const name = metadata?.name ?? ''
    const plain = name.replace(/-[a-z0-9]{8,10}-[a-z0-9]{5}$|-[a-z0-9]{5}$/, '')
    if (name !== plain) steady = steady.replaceAll(name, plain)
    if (status?.podIP && !spec?.hostNetwork)
      steady = steady.replaceAll(new RegExp(`(?<![\\d.])${status.podIP.replaceAll('.', '\\.')}(?![\\d])`, 'g'), `{${plain}}`)
  }
  return (
    steady
      // Those that are gone by now, too.
      .replace(/\bcoredns-[a-z0-9]{8,10}-[a-z0-9]{5}\b/g, 'coredns')
      .replace(/:(?!(?:8080|30080)\b)\d{4,5}\b/g, ':PORT')
      .replace(/\bport (?:3[2-9]|[45]\d|6[0-5])\d{3}\b/g, 'port PORT')
      .replace(/\bveth[0-9a-f]{8}\b/g, 'vethPOD')
      .replace(/\bcali[0-9a-f]{11}\b/g, 'caliPOD')
      .replace(/\bcni-[0-9a-f-]{36}\b/g, 'cni-POD')
      .replace(/\b10\.244\.\d+\.\d+\/26\b/g, '{block}')
      .replace(/\b10\.244\.\d+\.\d+\b/g, '{node}')
  )
}
