import type { ApiServer } from '../../apiserver/api.ts'
import { versions } from '../../bootstrap/spec.ts'
import { controllers } from '../../controllers/catalogue.ts'
import { certificateSigningController, type SignCertificate } from '../../controllers/certificate-signing.ts'
import { serviceAccountTokenController } from '../../controllers/serviceaccount-tokens.ts'
import type { KubeObject } from '../../kubernetes.ts'
import type { Image } from '../process.ts'
import { component, type Outside } from './component.ts'
import { etcd } from './etcd.ts'
import { kubeApiserver } from './kube-apiserver.ts'

/** What the cluster's keys sign for kube-controller-manager. */
export interface ClusterKeys {
  /** The token of a Secret that keeps one. */
  issueLegacyToken(serviceAccount: KubeObject, secret: KubeObject): string
  /** Undefined: nobody signs. */
  readonly signCertificate: SignCertificate | undefined
}

function kubeControllerManager(keys: ClusterKeys, outside: Required<Outside>) {
  const loops = controllers.filter(({ name }) => name !== 'kube-scheduler')
  const keyed = [serviceAccountTokenController(keys.issueLegacyToken), certificateSigningController(keys.signCertificate)]
  return component('kube-controller-manager', 10257, '/healthz', [...loops, ...keyed], outside)
}

const kubeScheduler = component(
  'kube-scheduler',
  10259,
  '/livez',
  controllers.filter(({ name }) => name === 'kube-scheduler'),
)

const kubernetes = (tag: string) => tag === versions.kubernetes

/** Those that know nothing of their cluster: the same for all, so that all clusters share their files. */
const shared: readonly Image[] = [
  { repositories: ['registry.k8s.io/etcd'], tags: (tag) => tag === versions.etcd, executables: { '/usr/local/bin/etcd': etcd } },
  { repositories: ['registry.k8s.io/kube-scheduler'], tags: kubernetes, executables: { '/usr/local/bin/kube-scheduler': kubeScheduler } },
]

/** The control plane's images of one cluster: its API server's program serves this very `server`. All are distroless: no shell inside. */
export function controlPlaneImages(server: ApiServer, keys: ClusterKeys, outside: Required<Outside>): Image[] {
  return [
    ...shared,
    {
      repositories: ['registry.k8s.io/kube-apiserver'],
      tags: kubernetes,
      executables: { '/usr/local/bin/kube-apiserver': kubeApiserver(server, outside.aggregator) },
    },
    {
      repositories: ['registry.k8s.io/kube-controller-manager'],
      tags: kubernetes,
      executables: { '/usr/local/bin/kube-controller-manager': kubeControllerManager(keys, outside) },
    },
  ]
}
