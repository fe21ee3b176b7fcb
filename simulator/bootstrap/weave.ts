import type { KubeObject } from '../kubernetes.ts'
import { versions } from './spec.ts'

const namespace = 'kube-system'
const labels = { name: 'weave-net' }

/**
 * Weave Net as its own manifest (weave-daemonset-k8s-1.11.yaml) installs it. `range`: the network for pods, Weave Net's own 10.32.0.0/12
 * where absent.
 */
export function weave(range?: string): KubeObject[] {
  return [{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'weave-net', namespace, labels } }, daemonSet(range)]
}

function daemonSet(range: string | undefined): KubeObject {
  const nodeName = { name: 'HOSTNAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'spec.nodeName' } } }
  const image = (name: string) => `weaveworks/${name}:${versions.weave}`
  const lock = { name: 'xtables-lock', mountPath: '/run/xtables.lock', readOnly: false }
  const privileged = { privileged: true }
  const requests = { requests: { cpu: '50m' } }
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'weave-net', namespace, labels },
    spec: {
      selector: { matchLabels: labels },
      minReadySeconds: 5,
      updateStrategy: { type: 'RollingUpdate' },
      template: {
        metadata: { labels },
        spec: {
          initContainers: [
            {
              name: 'weave-init',
              image: image('weave-kube'),
              command: ['/home/weave/init.sh'],
              securityContext: privileged,
              volumeMounts: [
                { name: 'cni-bin', mountPath: '/host/opt' },
                { name: 'cni-bin2', mountPath: '/host/home' },
                { name: 'cni-conf', mountPath: '/host/etc' },
                { name: 'lib-modules', mountPath: '/lib/modules' },
                lock,
              ],
            },
          ],
          containers: [
            {
              name: 'weave',
              image: image('weave-kube'),
              command: ['/home/weave/launch.sh'],
              env: [{ name: 'INIT_CONTAINER', value: 'true' }, nodeName, ...(range ? [{ name: 'IPALLOC_RANGE', value: range }] : [])],
              readinessProbe: { httpGet: { host: '127.0.0.1', path: '/status', port: 6784 } },
              resources: requests,
              securityContext: privileged,
              volumeMounts: [
                { name: 'weavedb', mountPath: '/weavedb' },
                { name: 'dbus', mountPath: '/host/var/lib/dbus', readOnly: true },
                { name: 'cni-machine-id', mountPath: '/host/etc/machine-id', readOnly: true },
                lock,
              ],
            },
            {
              name: 'weave-npc',
              image: image('weave-npc'),
              env: [nodeName],
              resources: requests,
              securityContext: privileged,
              volumeMounts: [lock],
            },
          ],
          hostNetwork: true,
          dnsPolicy: 'ClusterFirstWithHostNet',
          hostPID: false,
          restartPolicy: 'Always',
          securityContext: { seLinuxOptions: {} },
          serviceAccountName: 'weave-net',
          tolerations: [
            { effect: 'NoSchedule', operator: 'Exists' },
            { effect: 'NoExecute', operator: 'Exists' },
          ],
          volumes: [
            { name: 'weavedb', hostPath: { path: '/var/lib/weave' } },
            { name: 'cni-bin', hostPath: { path: '/opt' } },
            { name: 'cni-bin2', hostPath: { path: '/home' } },
            { name: 'cni-conf', hostPath: { path: '/etc' } },
            { name: 'cni-machine-id', hostPath: { path: '/etc/machine-id' } },
            { name: 'dbus', hostPath: { path: '/var/lib/dbus' } },
            { name: 'lib-modules', hostPath: { path: '/lib/modules' } },
            { name: 'xtables-lock', hostPath: { path: '/run/xtables.lock', type: 'FileOrCreate' } },
          ],
          priorityClassName: 'system-node-critical',
        },
      },
    },
  }
}
