import type { Admission } from './admission.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { serviceAccount } from './service-account.ts'

/** What kube-apiserver enables by default, as far as it is modelled; order as upstream's. */
export const defaultAdmission: readonly Admission[] = [namespaceLifecycle, serviceAccount]
