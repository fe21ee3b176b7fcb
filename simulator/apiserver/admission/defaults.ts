import type { Admission } from './admission.ts'
import { defaultIngressClass } from './default-ingress-class.ts'
import { defaultStorageClass } from './default-storage-class.ts'
import { limitRanger } from './limit-ranger.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { resourceQuota } from './resource-quota.ts'
import { serviceAccount } from './service-account.ts'

/** What kube-apiserver enables by default, as far as it is modelled; order as upstream's. */
export const defaultAdmission: readonly Admission[] = [
  namespaceLifecycle,
  limitRanger,
  serviceAccount,
  defaultStorageClass,
  defaultIngressClass,
  resourceQuota,
]
