import type { ApiServer } from '../../apiserver/api.ts'
import { versions } from '../../bootstrap/spec.ts'
import { controllers } from '../../controllers/catalogue.ts'
import type { Image } from '../process.ts'
import { component, type Outside } from './component.ts'
import { etcd } from './etcd.ts'
import { kubeApiserver } from './kube-apiserver.ts'

const kubeControllerManager = (outside: Required<Outside>) =>
  component(
    'kube-controller-manager',
    10257,
    '/healthz',
    controllers.filter(({ name }) => name !== 'kube-scheduler'),
    outside,
  )
const kubeScheduler = component(
  'kube-scheduler',
  10259,
  '/livez',
  controllers.filter(({ name }) => name === 'kube-scheduler'),
)

/** The control plane's images of one cluster: its API server's program serves this very `server`. All are distroless: no shell inside. */
export function controlPlaneImages(server: ApiServer, outside: Required<Outside>): Image[] {
  const kubernetes = (tag: string) => tag === versions.kubernetes
  return [
    { repositories: ['registry.k8s.io/etcd'], tags: (tag) => tag === versions.etcd, executables: { '/usr/local/bin/etcd': etcd } },
    {
      repositories: ['registry.k8s.io/kube-apiserver'],
      tags: kubernetes,
      executables: { '/usr/local/bin/kube-apiserver': kubeApiserver(server, outside.aggregator) },
    },
    {
      repositories: ['registry.k8s.io/kube-controller-manager'],
      tags: kubernetes,
      executables: { '/usr/local/bin/kube-controller-manager': kubeControllerManager(outside) },
    },
    { repositories: ['registry.k8s.io/kube-scheduler'], tags: kubernetes, executables: { '/usr/local/bin/kube-scheduler': kubeScheduler } },
  ]
}
