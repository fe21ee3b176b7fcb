import type { KubeObject } from '../kubernetes.ts'
import {
  cloudControllerManagerImage,
  cloudControllerManagerVersion,
} from '../programs/cloud-controller-manager/cloud-controller-manager.ts'
import { account, clusterBinding, clusterRole } from './rbac/objects.ts'
import { read, rule } from './rbac/rule.ts'

const name = 'cloud-controller-manager'

/** The cloud's controller manager on the control plane, as clouds deploy it, with the rights that its service controller needs. */
export function cloudProvider(): KubeObject[] {
  const labels = { 'k8s-app': name }
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: 'kube-system' } },
    clusterRole(`system:${name}`, [
      rule('create patch update', '', 'events'),
      rule(read, '', 'nodes'),
      rule(`${read} patch update`, '', 'services'),
      rule('patch update', '', 'services/status'),
    ]),
    clusterBinding(`system:${name}`, [account(name)]),
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: 'kube-system', labels },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: name,
            hostNetwork: true,
            priorityClassName: 'system-cluster-critical',
            nodeSelector: { 'node-role.kubernetes.io/control-plane': '' },
            tolerations: [
              { key: 'node.cloudprovider.kubernetes.io/uninitialized', value: 'true', effect: 'NoSchedule' },
              { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' },
              { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' },
            ],
            containers: [
              {
                name,
                image: `${cloudControllerManagerImage}:${cloudControllerManagerVersion}`,
                args: ['-v=2'],
                resources: { requests: { cpu: '50m', memory: '50Mi' } },
              },
            ],
          },
        },
      },
    },
  ]
}
