import { stringify } from 'yaml'
import { addresses, type ClusterSpec, nodeAddress, versions } from './spec.ts'

/** The static pods of the control plane as files of `/etc/kubernetes/manifests`, in the shape that kubeadm gives them. */
export function controlPlaneManifests(spec: ClusterSpec): Record<string, string> {
  const address = nodeAddress(0)
  const pods = [
    staticPod(
      'etcd',
      `registry.k8s.io/etcd:${versions.etcd}`,
      { cpu: '100m', memory: '100Mi' },
      { port: 2381, path: '/readyz', host: '127.0.0.1', scheme: 'HTTP' },
      [
        'etcd',
        `--advertise-client-urls=https://${address}:2379`,
        '--cert-file=/etc/kubernetes/pki/etcd/server.crt',
        '--client-cert-auth=true',
        '--data-dir=/var/lib/etcd',
        `--initial-advertise-peer-urls=https://${address}:2380`,
        `--initial-cluster=${spec.name}-control-plane=https://${address}:2380`,
        '--key-file=/etc/kubernetes/pki/etcd/server.key',
        `--listen-client-urls=https://127.0.0.1:2379,https://${address}:2379`,
        '--listen-metrics-urls=http://127.0.0.1:2381',
        `--name=${spec.name}-control-plane`,
        '--peer-client-cert-auth=true',
        '--snapshot-count=10000',
      ],
    ),
    staticPod(
      'kube-apiserver',
      `registry.k8s.io/kube-apiserver:${versions.kubernetes}`,
      { cpu: '250m' },
      { port: addresses.apiPort, path: '/livez', host: address, scheme: 'HTTPS' },
      [
        'kube-apiserver',
        `--advertise-address=${address}`,
        '--allow-privileged=true',
        '--authorization-mode=Node,RBAC',
        '--client-ca-file=/etc/kubernetes/pki/ca.crt',
        '--enable-admission-plugins=NodeRestriction',
        '--enable-bootstrap-token-auth=true',
        '--etcd-servers=https://127.0.0.1:2379',
        `--secure-port=${addresses.apiPort}`,
        '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
        `--service-cluster-ip-range=${addresses.serviceCidr}`,
        '--tls-cert-file=/etc/kubernetes/pki/apiserver.crt',
        '--tls-private-key-file=/etc/kubernetes/pki/apiserver.key',
      ],
    ),
    staticPod(
      'kube-controller-manager',
      `registry.k8s.io/kube-controller-manager:${versions.kubernetes}`,
      { cpu: '200m' },
      { port: 10257, path: '/healthz', host: '127.0.0.1', scheme: 'HTTPS' },
      [
        'kube-controller-manager',
        '--allocate-node-cidrs=true',
        '--bind-address=127.0.0.1',
        `--cluster-cidr=${addresses.podCidr}`,
        `--cluster-name=${spec.name}`,
        '--controllers=*,bootstrapsigner,tokencleaner',
        '--kubeconfig=/etc/kubernetes/controller-manager.conf',
        '--leader-elect=true',
        '--root-ca-file=/etc/kubernetes/pki/ca.crt',
        `--service-cluster-ip-range=${addresses.serviceCidr}`,
        '--use-service-account-credentials=true',
      ],
    ),
    staticPod(
      'kube-scheduler',
      `registry.k8s.io/kube-scheduler:${versions.kubernetes}`,
      { cpu: '100m' },
      { port: 10259, path: '/livez', host: '127.0.0.1', scheme: 'HTTPS' },
      ['kube-scheduler', '--bind-address=127.0.0.1', '--kubeconfig=/etc/kubernetes/scheduler.conf', '--leader-elect=true'],
    ),
  ]
  return Object.fromEntries(pods.map((pod) => [`/etc/kubernetes/manifests/${pod.metadata.name}.yaml`, stringify(pod)]))
}

function staticPod(
  name: string,
  image: string,
  requests: Record<string, string>,
  health: { port: number; path: string; host: string; scheme: string },
  command: string[],
) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'kube-system', labels: { component: name, tier: 'control-plane' } },
    spec: {
      containers: [
        {
          name,
          image,
          command,
          imagePullPolicy: 'IfNotPresent',
          resources: { requests },
          ...(name === 'etcd' ? {} : { volumeMounts: [{ name: 'k8s-certs', mountPath: '/etc/kubernetes/pki', readOnly: true }] }),
          livenessProbe: { httpGet: health, initialDelaySeconds: 10, timeoutSeconds: 15, periodSeconds: 10, failureThreshold: 8 },
        },
      ],
      hostNetwork: true,
      ...(name === 'etcd'
        ? {}
        : { volumes: [{ name: 'k8s-certs', hostPath: { path: '/etc/kubernetes/pki', type: 'DirectoryOrCreate' } }] }),
      priority: 2000001000,
      priorityClassName: 'system-node-critical',
      securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
    },
  }
}
