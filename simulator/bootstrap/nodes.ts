import type { Taint } from 'kubernetes-types/core/v1'
import { type ClusterSpec, nodeNames } from './spec.ts'

const controlPlaneLabels: Record<string, string> = {
  'node-role.kubernetes.io/control-plane': '',
  'node.kubernetes.io/exclude-from-external-load-balancers': '',
}

/** With which kind's guide to ingress has the node marked that takes it. */
export const ingressReady: Readonly<Record<string, string>> = { 'ingress-ready': 'true' }

/** Labels and taints with which each kubelet registers its node, as kubeadm and kind configure them; the first is the control plane. */
export function nodeProfiles(spec: ClusterSpec): { name: string; labels: Record<string, string>; taints: Taint[] }[] {
  return nodeNames(spec).map((name, index) => {
    const controlPlane = index === 0
    return {
      name,
      labels: controlPlane ? { ...controlPlaneLabels, ...(spec.addons?.includes('ingress-nginx') ? ingressReady : {}) } : {},
      // Where the control plane is the only node, kind takes the taint away, or nothing could run.
      taints: controlPlane && spec.nodes > 1 ? [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] : [],
    }
  })
}
