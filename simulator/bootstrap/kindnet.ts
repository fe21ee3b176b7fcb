import type { KubeObject } from '../kubernetes.ts'
import { addresses, type ClusterSpec, nodeNames, versions } from './spec.ts'

/** kind's own network plugin, as kind installs it. */
export function kindnet(spec: ClusterSpec): KubeObject[] {
  const selector = { app: 'kindnet' }
  const labels = { ...selector, 'k8s-app': 'kindnet', tier: 'node' }
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } })
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'kindnet', namespace: 'kube-system' } },
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'kindnet', namespace: 'kube-system', labels },
      spec: {
        selector: { matchLabels: selector },
        template: {
          metadata: { labels },
          spec: {
            hostNetwork: true,
            nodeSelector: { 'kubernetes.io/os': 'linux' },
            tolerations: [{ operator: 'Exists' }],
            serviceAccountName: 'kindnet',
            containers: [
              {
                name: 'kindnet-cni',
                image: `docker.io/kindest/kindnetd:${versions.kindnetd}`,
                env: [
                  field('HOST_IP', 'status.hostIP'),
                  field('POD_IP', 'status.podIP'),
                  { name: 'POD_SUBNET', value: addresses.podCidr },
                  { name: 'CONTROL_PLANE_ENDPOINT', value: `${nodeNames(spec)[0]}:${addresses.apiPort}` },
                ],
                volumeMounts: [
                  { name: 'cni-cfg', mountPath: '/etc/cni/net.d' },
                  { name: 'xtables-lock', mountPath: '/run/xtables.lock' },
                  { name: 'lib-modules', mountPath: '/lib/modules', readOnly: true },
                ],
                resources: { requests: { cpu: '100m', memory: '50Mi' }, limits: { cpu: '100m', memory: '50Mi' } },
                securityContext: { privileged: false, capabilities: { add: ['NET_RAW', 'NET_ADMIN'] } },
              },
            ],
            volumes: [
              { name: 'cni-cfg', hostPath: { path: '/etc/cni/net.d' } },
              { name: 'xtables-lock', hostPath: { path: '/run/xtables.lock', type: 'FileOrCreate' } },
              { name: 'lib-modules', hostPath: { path: '/lib/modules' } },
            ],
          },
        },
      },
    },
  ]
}
