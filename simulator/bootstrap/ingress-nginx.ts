import type { PolicyRule } from 'kubernetes-types/rbac/v1'
import type { KubeObject } from '../kubernetes.ts'
import { account, binding, clusterBinding, clusterRole, role } from './rbac/objects.ts'
import { read, rule } from './rbac/rule.ts'
import { versions } from './spec.ts'

const namespace = 'ingress-nginx'
const selector = { 'app.kubernetes.io/instance': 'ingress-nginx', 'app.kubernetes.io/name': 'ingress-nginx' }
const component = { ...selector, 'app.kubernetes.io/component': 'controller' }
const labels = { ...component, 'app.kubernetes.io/part-of': 'ingress-nginx', 'app.kubernetes.io/version': versions.ingressNginx.slice(1) }

/**
 * The controller as its release's manifest for kind installs it, ports 80 and 443 of its node included. Its validating webhook is left out
 * (the API server calls none): the Jobs that make its certificate, its Service and its flags. `onNode` keeps it on the node that a cluster's
 * configuration marks for it.
 */
export function ingressNginx(onNode: Readonly<Record<string, string>> = {}): KubeObject[] {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: selector } },
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'ingress-nginx', namespace, labels },
      automountServiceAccountToken: true,
    },
    role(namespace, 'ingress-nginx', namespacedRules, { labels }),
    clusterRole('ingress-nginx', clusterRules, { labels: selector }),
    binding(namespace, 'ingress-nginx', [account('ingress-nginx', namespace)], 'ingress-nginx'),
    clusterBinding('ingress-nginx', [account('ingress-nginx', namespace)], 'ingress-nginx', { labels: selector }),
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'ingress-nginx-controller', namespace, labels } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'ingress-nginx-controller', namespace, labels },
      spec: {
        type: 'LoadBalancer',
        ipFamilies: ['IPv4'],
        ipFamilyPolicy: 'SingleStack',
        selector: component,
        ports: [
          { name: 'http', appProtocol: 'http', port: 80, protocol: 'TCP', targetPort: 'http' },
          { name: 'https', appProtocol: 'https', port: 443, protocol: 'TCP', targetPort: 'https' },
        ],
      },
    },
    // Before the Deployment, unlike upstream: containers start at once here, and the controller is to know its class from the start.
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'nginx', labels },
      spec: { controller: 'k8s.io/ingress-nginx' },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'ingress-nginx-controller', namespace, labels },
      spec: {
        selector: { matchLabels: component },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
        template: { metadata: { labels }, spec: podSpec(onNode) },
      },
    },
  ]
}

const networking = 'networking.k8s.io'
const common: readonly PolicyRule[] = [
  rule(read, '', 'services'),
  rule(read, networking, 'ingresses'),
  rule('update', networking, 'ingresses/status'),
  rule(read, networking, 'ingressclasses'),
  rule('create patch', '', 'events'),
  rule(read, 'discovery.k8s.io', 'endpointslices'),
]
const namespacedRules: readonly PolicyRule[] = [
  rule('get', '', 'namespaces'),
  rule(read, '', 'configmaps pods secrets endpoints'),
  ...common,
  rule('get update', 'coordination.k8s.io', 'leases', 'ingress-nginx-leader'),
  rule('create', 'coordination.k8s.io', 'leases'),
]
const clusterRules: readonly PolicyRule[] = [
  rule('list watch', '', 'configmaps endpoints nodes pods secrets namespaces'),
  rule('list watch', 'coordination.k8s.io', 'leases'),
  rule('get', '', 'nodes'),
  ...common,
]

function podSpec(onNode: Readonly<Record<string, string>>) {
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } })
  const health = {
    httpGet: { path: '/healthz', port: 10_254, scheme: 'HTTP' },
    initialDelaySeconds: 10,
    periodSeconds: 10,
    timeoutSeconds: 1,
  }
  return {
    serviceAccountName: 'ingress-nginx',
    automountServiceAccountToken: true,
    dnsPolicy: 'ClusterFirst',
    nodeSelector: { 'kubernetes.io/os': 'linux', ...onNode },
    terminationGracePeriodSeconds: 0,
    tolerations: ['master', 'control-plane'].map((name) => ({
      key: `node-role.kubernetes.io/${name}`,
      operator: 'Equal',
      effect: 'NoSchedule',
    })),
    containers: [
      {
        name: 'controller',
        image: `registry.k8s.io/ingress-nginx/controller:${versions.ingressNginx}`,
        imagePullPolicy: 'IfNotPresent',
        args: [
          '/nginx-ingress-controller',
          '--election-id=ingress-nginx-leader',
          '--controller-class=k8s.io/ingress-nginx',
          '--ingress-class=nginx',
          '--configmap=$(POD_NAMESPACE)/ingress-nginx-controller',
          '--watch-ingress-without-class=true',
          '--publish-status-address=localhost',
        ],
        env: [field('POD_NAME', 'metadata.name'), field('POD_NAMESPACE', 'metadata.namespace')],
        ports: [
          { name: 'http', containerPort: 80, hostPort: 80, protocol: 'TCP' },
          { name: 'https', containerPort: 443, hostPort: 443, protocol: 'TCP' },
        ],
        livenessProbe: { ...health, failureThreshold: 5 },
        readinessProbe: { ...health, failureThreshold: 3 },
        resources: { requests: { cpu: '100m', memory: '90Mi' } },
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] },
          readOnlyRootFilesystem: false,
          runAsGroup: 82,
          runAsNonRoot: true,
          runAsUser: 101,
          seccompProfile: { type: 'RuntimeDefault' },
        },
      },
    ],
  }
}
