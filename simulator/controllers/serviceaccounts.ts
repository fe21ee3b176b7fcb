import type { KubeObject } from '../kubernetes.ts'
import { type Controller, type ControllerWorld, type FailureHandling, unhandled, workQueue } from './controller.ts'

/** Every namespace has a ServiceAccount `default`. Follows upstream's pkg/controller/serviceaccount. */
export const serviceAccountController: Controller = {
  name: 'serviceaccount-controller',
  start(world) {
    const retrying = unhandled(world, 'serviceaccounts_controller.go:193', (key, why) => `${key} failed with : ${why}`)
    keepInEveryNamespace(world, 'serviceaccount', 'serviceaccounts', 'default', { retrying }, (namespace) => ({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { namespace, name: 'default' },
    }))
  },
}

/** Every namespace has the cluster's CA as ConfigMap `kube-root-ca.crt`. Follows pkg/controller/certificates/rootcacertpublisher. */
export const rootCertificatePublisher: Controller = {
  name: 'root-ca-certificate-publisher-controller',
  start(world) {
    const retrying = unhandled(world, 'publisher.go:175', (key, why) => `syncing ${JSON.stringify(key)} failed: ${why}`)
    keepInEveryNamespace(world, 'root-ca-certificate-publisher', 'configmaps', 'kube-root-ca.crt', { retrying }, (namespace) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        namespace,
        name: 'kube-root-ca.crt',
        annotations: {
          'kubernetes.io/description':
            'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
        },
      },
      data: { 'ca.crt': world.rootCertificate },
    }))
  },
}

function keepInEveryNamespace(
  { api, clock, fresh }: ControllerWorld,
  queueName: string,
  resource: string,
  name: string,
  failing: FailureHandling,
  make: (namespace: string) => KubeObject,
): void {
  const reconcile = (namespace: string) => {
    const home = api.find('namespaces', undefined, namespace)
    if (!home || home.metadata?.deletionTimestamp || api.find(resource, namespace, name)) return
    api.create(resource, make(namespace))
  }
  const queue = workQueue(queueName, clock, reconcile, failing)
  api.watch('namespaces', ({ object }) => queue.add(object.metadata?.name ?? ''), { initial: fresh })
  api.watch(resource, ({ type, object }) => {
    if (type === 'DELETED' && object.metadata?.name === name) queue.add(object.metadata.namespace ?? '')
  })
}
