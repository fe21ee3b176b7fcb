import type { KubeObject } from '../kubernetes.ts'
import { account, clusterBinding, clusterRole } from './rbac/objects.ts'
import { read, rule } from './rbac/rule.ts'
import { versions } from './spec.ts'

const namespace = 'traefik'
const selector = { 'app.kubernetes.io/name': 'traefik', 'app.kubernetes.io/instance': 'traefik-traefik' }
const labels = { ...selector, 'app.kubernetes.io/managed-by': 'Helm' }

/**
 * Traefik as its Helm chart's defaults render it for a release `traefik` in a namespace of that name, without what is not modelled: the
 * provider of its own custom resources (IngressRoute and the like), metrics and the dashboard.
 */
export function traefik(): KubeObject[] {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'traefik', namespace, labels }, automountServiceAccountToken: false },
    clusterRole(
      'traefik-traefik',
      [
        rule(read, '', 'nodes services'),
        rule('list watch', 'discovery.k8s.io', 'endpointslices'),
        rule('get', '', 'pods'),
        rule(read, '', 'secrets'),
        rule(read, ['extensions', 'networking.k8s.io'], 'ingressclasses ingresses'),
        rule('update', ['extensions', 'networking.k8s.io'], 'ingresses/status'),
      ],
      { labels },
    ),
    clusterBinding('traefik-traefik', [account('traefik', namespace)], 'traefik-traefik', { labels }),
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'traefik', labels, annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
      spec: { controller: 'traefik.io/ingress-controller' },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'traefik', namespace, labels },
      spec: {
        type: 'LoadBalancer',
        selector,
        ports: [
          { name: 'web', port: 80, targetPort: 'web', protocol: 'TCP' },
          { name: 'websecure', port: 443, targetPort: 'websecure', protocol: 'TCP' },
        ],
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'traefik', namespace, labels },
      spec: {
        replicas: 1,
        selector: { matchLabels: selector },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: { metadata: { labels }, spec: podSpec() },
      },
    },
  ]
}

function podSpec() {
  const probe = {
    httpGet: { path: '/ping', port: 8080, scheme: 'HTTP' },
    initialDelaySeconds: 2,
    periodSeconds: 10,
    successThreshold: 1,
    timeoutSeconds: 2,
  }
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } })
  return {
    serviceAccountName: 'traefik',
    automountServiceAccountToken: true,
    terminationGracePeriodSeconds: 60,
    hostNetwork: false,
    containers: [
      {
        name: 'traefik',
        image: `docker.io/traefik:${versions.traefik}`,
        imagePullPolicy: 'IfNotPresent',
        args: [
          '--global.checknewversion',
          '--entryPoints.traefik.address=:8080/tcp',
          '--entryPoints.web.address=:8000/tcp',
          '--entryPoints.websecure.address=:8443/tcp',
          '--ping=true',
          '--providers.kubernetesingress',
          '--providers.kubernetesingress.allowEmptyServices=true',
          '--providers.kubernetesingress.ingressendpoint.publishedservice=traefik/traefik',
          '--entryPoints.websecure.http.tls=true',
          '--log.level=INFO',
        ],
        env: [field('POD_NAME', 'metadata.name'), field('POD_NAMESPACE', 'metadata.namespace')],
        ports: [
          { name: 'traefik', containerPort: 8080, protocol: 'TCP' },
          { name: 'web', containerPort: 8000, protocol: 'TCP' },
          { name: 'websecure', containerPort: 8443, protocol: 'TCP' },
        ],
        readinessProbe: { ...probe, failureThreshold: 1 },
        livenessProbe: { ...probe, failureThreshold: 3 },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
      },
    ],
    securityContext: { runAsGroup: 65_532, runAsNonRoot: true, runAsUser: 65_532 },
  }
}
