import type { Taint } from 'kubernetes-types/core/v1'
import { type ClusterSpec, nodeNames } from './spec.ts'

const controlPlaneLabels: Record<string, string> = {
  'node-role.kubernetes.io/control-plane': '',
  'node.kubernetes.io/exclude-from-external-load-balancers': '',
}

/** Labels and taints with which each kubelet registers its node, as kubeadm and kind configure them; the first is the control plane. */
export function nodeProfiles(spec: ClusterSpec): { name: string; labels: Record<string, string>; taints: Taint[] }[] {
  return nodeNames(spec).map((name, index) => {
    const controlPlane = index === 0
    return {
      name,
      labels: controlPlane ? controlPlaneLabels : {},
      // Where the control plane is the only node, kind takes the taint away, or nothing could run.
      taints: controlPlane && spec.nodes > 1 ? [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] : [],
    }
  })
}
