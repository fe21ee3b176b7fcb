import type { Controller } from '../controller.ts'
import { apiApprovalController } from './approval.ts'
import { establishingController } from './establishing.ts'
import { finalizingController } from './finalizing.ts'
import { namingController } from './naming.ts'
import { registrationController } from './registration.ts'

/** What makes stored CustomResourceDefinitions into kinds and takes them away again: run by kube-apiserver itself. */
export const customResourceDefinitionControllers: readonly Controller[] = [
  apiApprovalController,
  namingController,
  establishingController,
  finalizingController,
  registrationController,
]
