import type { ApiServer } from '../../apiserver/api.ts'
import { versions } from '../../bootstrap/spec.ts'
import { controllers } from '../../controllers/catalogue.ts'
import type { Image } from '../process.ts'
import { component } from './component.ts'
import { etcd } from './etcd.ts'
import { kubeApiserver } from './kube-apiserver.ts'

const kubeControllerManager = component(
  'kube-controller-manager',
  10257,
  '/healthz',
  controllers.filter(({ name }) => name !== 'kube-scheduler'),
)
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
  {
    repositories: ['registry.k8s.io/kube-controller-manager'],
    tags: kubernetes,
    executables: { '/usr/local/bin/kube-controller-manager': kubeControllerManager },
  },
  { repositories: ['registry.k8s.io/kube-scheduler'], tags: kubernetes, executables: { '/usr/local/bin/kube-scheduler': kubeScheduler } },
]

/** The control plane's images of one cluster: its API server's program serves this very `server`. All are distroless: no shell inside. */
export function controlPlaneImages(server: ApiServer): Image[] {
  return [
    ...shared,
    {
      repositories: ['registry.k8s.io/kube-apiserver'],
      tags: kubernetes,
      executables: { '/usr/local/bin/kube-apiserver': kubeApiserver(server) },
    },
  ]
}
