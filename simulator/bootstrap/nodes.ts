import type { KubeObject } from '../kubernetes.ts'
import { type ClusterSpec, nodeNames } from './spec.ts'

/** The Node objects as kubeadm leaves them: labels and the control plane's taint; the kubelets fill in their status. */
export function nodes(spec: ClusterSpec): KubeObject[] {
  return nodeNames(spec).map((name, index) => {
    const controlPlane = index === 0
    return {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name,
        labels: {
          'beta.kubernetes.io/arch': 'amd64',
          'beta.kubernetes.io/os': 'linux',
          'kubernetes.io/arch': 'amd64',
          'kubernetes.io/hostname': name,
          'kubernetes.io/os': 'linux',
          ...(controlPlane
            ? { 'node-role.kubernetes.io/control-plane': '', 'node.kubernetes.io/exclude-from-external-load-balancers': '' }
            : {}),
        },
        annotations: { 'node.alpha.kubernetes.io/ttl': '0', 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
      },
      spec: {
        // Where the control plane is the only node, kind takes the taint away, or nothing could run.
        ...(controlPlane && spec.nodes > 1 ? { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] } : {}),
      },
    }
  })
}
