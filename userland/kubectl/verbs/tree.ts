import type { VerbGroup } from '../cli/help.ts'
import type { Verb } from '../cli/verb.ts'
import { applyVerb } from './apply.ts'
import { deleteVerb } from './delete.ts'
import { getVerb } from './get.ts'

export const verbGroups: readonly VerbGroup[] = [
  { title: 'Basic Commands (Intermediate)', verbs: [getVerb, deleteVerb] },
  { title: 'Advanced Commands', verbs: [applyVerb] },
]

export const rootVerb: Verb = {
  name: 'kubectl',
  about: 'kubectl controls the Kubernetes cluster manager',
  usage: '[flags] [options]',
  children: verbGroups.flatMap((group) => group.verbs),
}
