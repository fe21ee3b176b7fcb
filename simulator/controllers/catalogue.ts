import type { Controller } from './controller.ts'
import { daemonsetController } from './daemonset.ts'
import { deploymentController } from './deployment/deployment.ts'
import { endpointsliceController } from './endpointslice/endpointslice.ts'
import { endpointsController } from './endpointslice/legacy-endpoints.ts'
import { garbageCollector } from './garbage-collector.ts'
import { namespaceController } from './namespace.ts'
import { nodeIpamController } from './node-ipam.ts'
import { nodeLifecycleController, taintEvictionController } from './node-lifecycle.ts'
import { replicasetController } from './replicaset.ts'
import { scheduler } from './scheduler/scheduler.ts'
import { rootCertificatePublisher, serviceAccountController } from './serviceaccounts.ts'
import { statefulsetController } from './statefulset.ts'

/** What kube-controller-manager and kube-scheduler run. */
export const controllers: readonly Controller[] = [
  serviceAccountController,
  rootCertificatePublisher,
  namespaceController,
  garbageCollector,
  nodeIpamController,
  nodeLifecycleController,
  taintEvictionController,
  deploymentController,
  replicasetController,
  statefulsetController,
  daemonsetController,
  endpointsliceController,
  endpointsController,
  scheduler,
]
