import type { Node, Pod } from 'kubernetes-types/core/v1'
import { ageOf, longMoment } from '../print/age.ts'
import type { Describe } from './describe.ts'
import { eventsBlock } from './events.ts'
import { annotationsBlock, pairsBlock } from './page.ts'
import { cpuText, memoryText, podTotals, quantityValue } from './quantity.ts'

export const describeNode: Describe<Node> = async ({ metadata = {}, spec = {}, status = {} }, page, around) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  const prefix = 'node-role.kubernetes.io/'
  const roles = Object.entries(metadata.labels ?? {})
    .flatMap(([key, value]) =>
      key.startsWith(prefix) && key.length > prefix.length
        ? [key.slice(prefix.length)]
        : key === 'kubernetes.io/role' && value
          ? [value]
          : [],
    )
    .sort()
  page.write(0, `Roles:\t${roles.join(',') || '<none>'}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  page.write(0, `CreationTimestamp:\t${longMoment(metadata.creationTimestamp)}\n`)
  const taints = (spec.taints ?? []).map((one) => `${one.key}${one.value ? `=${one.value}` : ''}:${one.effect}`)
  page.write(0, `Taints:\t${taints[0] ?? '<none>'}\n`)
  for (const taint of taints.slice(1)) page.write(0, `\t${taint}\n`)
  page.write(0, `Unschedulable:\t${spec.unschedulable ?? false}\n`)
  const lease = await around.lease(metadata.name ?? '')
  if (typeof lease === 'string') page.write(0, `Lease:\tFailed to get lease: ${lease}\n`)
  else {
    page.write(0, 'Lease:\n')
    page.write(1, `HolderIdentity:\t${lease.spec?.holderIdentity ?? '<unset>'}\n`)
    page.write(1, `AcquireTime:\t${lease.spec?.acquireTime ? longMoment(lease.spec.acquireTime) : '<unset>'}\n`)
    page.write(1, `RenewTime:\t${lease.spec?.renewTime ? longMoment(lease.spec.renewTime) : '<unset>'}\n`)
  }
  if (status.conditions && status.conditions.length > 0) {
    page.write(0, 'Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage\n')
    page.write(1, '----\t------\t-----------------\t------------------\t------\t-------\n')
    for (const one of status.conditions)
      page.write(
        1,
        `${one.type} \t${one.status} \t${longMoment(one.lastHeartbeatTime)} \t${longMoment(one.lastTransitionTime)} \t${one.reason ?? ''} \t${one.message ?? ''}\n`,
      )
  }
  page.write(0, 'Addresses:\n')
  for (const one of status.addresses ?? []) page.write(1, `${one.type}:\t${one.address}\n`)
  const amounts = (title: string, list: unknown) => {
    const given = (list ?? {}) as Record<string, string>
    if (Object.keys(given).length === 0) return
    page.write(0, `${title}:\n`)
    for (const name of Object.keys(given).sort()) page.write(1, `${name}:\t${given[name]}\n`)
  }
  amounts('Capacity', status.capacity)
  amounts('Allocatable', status.allocatable)
  const info = status.nodeInfo
  page.write(0, 'System Info:\n')
  page.write(0, `  Machine ID:\t${info?.machineID ?? ''}\n`)
  page.write(0, `  System UUID:\t${info?.systemUUID ?? ''}\n`)
  page.write(0, `  Boot ID:\t${info?.bootID ?? ''}\n`)
  page.write(0, `  Kernel Version:\t${info?.kernelVersion ?? ''}\n`)
  page.write(0, `  OS Image:\t${info?.osImage ?? ''}\n`)
  page.write(0, `  Operating System:\t${info?.operatingSystem ?? ''}\n`)
  page.write(0, `  Architecture:\t${info?.architecture ?? ''}\n`)
  page.write(0, `  Container Runtime Version:\t${info?.containerRuntimeVersion ?? ''}\n`)
  page.write(0, `  Kubelet Version:\t${info?.kubeletVersion ?? ''}\n`)
  page.write(0, `  Kube-Proxy Version:\t${info?.kubeProxyVersion ?? ''}\n`)
  page.field(0, 'PodCIDR', spec.podCIDR)
  if (spec.podCIDRs && spec.podCIDRs.length > 0) page.write(0, `PodCIDRs:\t${spec.podCIDRs.join(',')}\n`)
  page.field(0, 'ProviderID', spec.providerID)
  const pods = await around.everywhere<Pod>('pods', `spec.nodeName=${metadata.name},status.phase!=Succeeded,status.phase!=Failed`)
  allocation(page, pods, (status.allocatable ?? status.capacity ?? {}) as Record<string, string>, around.now)
  eventsBlock(page, await around.events(), around.now)
}

function allocation(
  page: Parameters<typeof describeNode>[1],
  pods: readonly Pod[],
  allocatable: Record<string, string>,
  now: number,
): void {
  page.write(0, `Non-terminated Pods:\t(${pods.length} in total)\n`)
  page.write(1, 'Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge\n')
  page.write(1, '---------\t----\t\t------------\t----------\t---------------\t-------------\t---\n')
  const share = (amount: number, name: string) => {
    const whole = quantityValue(allocatable[name] ?? '0')
    return whole === 0 ? 0 : Math.trunc((amount / whole) * 100)
  }
  const sums = { requests: {} as Record<string, number>, limits: {} as Record<string, number> }
  for (const pod of pods) {
    const totals = podTotals(pod)
    for (const side of ['requests', 'limits'] as const)
      for (const [name, amount] of Object.entries(totals[side])) sums[side][name] = (sums[side][name] ?? 0) + amount
    const cpu = (side: 'requests' | 'limits') => `${cpuText(totals[side]['cpu'] ?? 0)} (${share(totals[side]['cpu'] ?? 0, 'cpu')}%)`
    const memory = (side: 'requests' | 'limits') =>
      `${memoryText(totals[side]['memory'] ?? 0)} (${share(totals[side]['memory'] ?? 0, 'memory')}%)`
    page.write(
      1,
      `${pod.metadata?.namespace}\t${pod.metadata?.name}\t\t${cpu('requests')}\t${cpu('limits')}\t${memory('requests')}\t${memory('limits')}\t${ageOf(pod.metadata?.creationTimestamp, now)}\n`,
    )
  }
  page.write(0, 'Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)\n')
  page.write(1, 'Resource\tRequests\tLimits\n')
  page.write(1, '--------\t--------\t------\n')
  for (const name of ['cpu', 'memory', 'ephemeral-storage']) {
    const show = (side: 'requests' | 'limits') => {
      const amount = sums[side][name] ?? 0
      return `${name === 'cpu' ? cpuText(amount) : memoryText(amount)} (${share(amount, name)}%)`
    }
    page.write(1, `${name}\t${show('requests')}\t${show('limits')}\n`)
  }
  for (const name of Object.keys(allocatable)
    .filter((one) => one.startsWith('hugepages-') || one.includes('/'))
    .sort())
    page.write(
      1,
      `${name}\t${sums.requests[name] ?? 0}${name.startsWith('hugepages-') ? ` (${share(sums.requests[name] ?? 0, name)}%)` : ''}\t${sums.limits[name] ?? 0}${name.startsWith('hugepages-') ? ` (${share(sums.limits[name] ?? 0, name)}%)` : ''}\n`,
    )
}
