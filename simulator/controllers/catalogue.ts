import { certificateCleaner } from './certificate-signing.ts'
import type { Controller } from './controller.ts'
import { cronjobController } from './cronjob.ts'
import { daemonsetController } from './daemonset.ts'
import { deploymentController } from './deployment/deployment.ts'
import { disruptionController } from './disruption.ts'
import { endpointsliceController } from './endpointslice/endpointslice.ts'
import { endpointsController } from './endpointslice/legacy-endpoints.ts'
import { endpointsliceMirroringController } from './endpointslice-mirroring.ts'
import { garbageCollector } from './garbage-collector.ts'
import { jobController } from './job.ts'
import { namespaceController } from './namespace.ts'
import { nodeIpamController } from './node-ipam.ts'
import { nodeLifecycleController, taintEvictionController } from './node-lifecycle.ts'
import { persistentVolumeBinder } from './persistentvolume/binder.ts'
import { localPathProvisioner } from './persistentvolume/local-path-provisioner.ts'
import { podAutoscaler } from './podautoscaler/horizontal.ts'
import { replicasetController, replicationController } from './replicaset.ts'
import { resourceQuotaController } from './resource-quota.ts'
import { scheduler } from './scheduler/scheduler.ts'
import { rootCertificatePublisher, serviceAccountController } from './serviceaccounts.ts'
import { statefulsetController } from './statefulset.ts'
import { ttlAfterFinishedController } from './ttl-after-finished.ts'

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
  replicationController,
  statefulsetController,
  daemonsetController,
  endpointsliceController,
  endpointsController,
  endpointsliceMirroringController,
  jobController,
  ttlAfterFinishedController,
  cronjobController,
  disruptionController,
  podAutoscaler,
  persistentVolumeBinder,
  localPathProvisioner,
  resourceQuotaController,
  certificateCleaner,
  scheduler,
]
