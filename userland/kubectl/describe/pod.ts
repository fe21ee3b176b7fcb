import type { Pod } from 'kubernetes-types/core/v1'
import { humanDuration, longMoment } from '../print/age.ts'
import { containersBlock } from './containers.ts'
import type { Describe } from './describe.ts'
import { eventsBlock } from './events.ts'
import { annotationsBlock, pairsBlock, tolerationsBlock } from './page.ts'
import { volumesBlock } from './volumes.ts'

export const describePod: Describe<Pod> = async (pod, page, { events, now }) => {
  const { metadata = {}, spec = { containers: [] }, status = {} } = pod
  page.write(0, `Name:\t${metadata.name}\n`)
  page.write(0, `Namespace:\t${metadata.namespace}\n`)
  if (spec.priority !== undefined) page.write(0, `Priority:\t${spec.priority}\n`)
  page.field(0, 'Priority Class Name', spec.priorityClassName)
  page.field(0, 'Runtime Class Name', spec.runtimeClassName)
  page.field(0, 'Service Account', spec.serviceAccountName)
  page.write(0, spec.nodeName ? `Node:\t${spec.nodeName}/${status.hostIP ?? ''}\n` : 'Node:\t<none>\n')
  if (status.startTime) page.write(0, `Start Time:\t${longMoment(status.startTime)}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  if (metadata.deletionTimestamp && status.phase !== 'Failed' && status.phase !== 'Succeeded') {
    page.write(0, `Status:\tTerminating (lasts ${humanDuration(now - Date.parse(metadata.deletionTimestamp))})\n`)
    page.write(0, `Termination Grace Period:\t${metadata.deletionGracePeriodSeconds}s\n`)
  } else page.write(0, `Status:\t${status.phase ?? ''}\n`)
  page.field(0, 'Reason', status.reason)
  page.field(0, 'Message', status.message)
  if (spec.securityContext?.seccompProfile) page.write(0, `SeccompProfile:\t${spec.securityContext.seccompProfile.type}\n`)
  page.write(0, `IP:\t${status.podIP ?? ''}\n`)
  if (!status.podIPs || status.podIPs.length === 0) page.write(0, 'IPs:\t<none>\n')
  else {
    page.write(0, 'IPs:\n')
    for (const { ip } of status.podIPs) page.write(1, `IP:\t${ip}\n`)
  }
  const owner = metadata.ownerReferences?.find((one) => one.controller)
  if (owner) page.write(0, `Controlled By:\t${owner.kind}/${owner.name}\n`)
  if (status.nominatedNodeName) page.write(0, `NominatedNodeName:\t${status.nominatedNodeName}\n`)
  if (spec.initContainers && spec.initContainers.length > 0)
    containersBlock(page, 'Init Containers', spec.initContainers, status.initContainerStatuses ?? [], '', pod)
  containersBlock(page, 'Containers', spec.containers, status.containerStatuses ?? [], '', pod)
  if (spec.ephemeralContainers && spec.ephemeralContainers.length > 0)
    containersBlock(page, 'Ephemeral Containers', spec.ephemeralContainers as never, status.ephemeralContainerStatuses ?? [], '', pod)
  if (spec.readinessGates && spec.readinessGates.length > 0) {
    page.write(0, 'Readiness Gates:\n  Type\tStatus\n')
    for (const gate of spec.readinessGates) {
      const found = status.conditions?.find((one) => one.type === gate.conditionType)
      page.write(1, `${gate.conditionType} \t${found?.status ?? '<none>'} \n`)
    }
  }
  if (status.conditions && status.conditions.length > 0) {
    page.write(0, 'Conditions:\n  Type\tStatus\n')
    for (const condition of status.conditions) page.write(1, `${condition.type} \t${condition.status} \n`)
  }
  volumesBlock(page, spec.volumes, '')
  page.field(0, 'QoS Class', status.qosClass)
  pairsBlock(page, 'Node-Selectors', spec.nodeSelector)
  tolerationsBlock(page, 'Tolerations', spec.tolerations)
  if (spec.topologySpreadConstraints && spec.topologySpreadConstraints.length > 0) {
    page.write(0, 'Topology Spread Constraints:\t')
    spec.topologySpreadConstraints.forEach((one, at) => {
      if (at > 0) page.write(0, '\t')
      page.write(
        0,
        `${one.topologyKey}:${one.whenUnsatisfiable} when max skew ${one.maxSkew} is exceeded for selector ${selector(one.labelSelector)}\n`,
      )
    })
  }
  eventsBlock(page, await events(), now)
}

function selector(given: { matchLabels?: Record<string, string> } | undefined): string {
  return Object.entries(given?.matchLabels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
}
