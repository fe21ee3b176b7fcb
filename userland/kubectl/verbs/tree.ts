import type { VerbGroup } from '../cli/help.ts'
import type { Verb } from '../cli/verb.ts'
import { describeVerb } from '../describe/describe.ts'
import { applyVerb } from './apply.ts'
import { authVerb } from './auth.ts'
import { certificateVerb } from './certificate.ts'
import { apiResourcesVerb, apiVersionsVerb, clusterInfoVerb, optionsVerb, refused, versionVerb } from './cluster.ts'
import { configVerb } from './config.ts'
import { cpVerb } from './cp.ts'
import { createVerb } from './create.ts'
import { debugVerb } from './debug.ts'
import { deleteVerb } from './delete.ts'
import { diffVerb } from './diff.ts'
import { editVerb } from './edit.ts'
import { eventsVerb } from './events.ts'
import { attachVerb, execVerb } from './exec.ts'
import { explainVerb } from './explain.ts'
import { exposeVerb } from './expose.ts'
import { getVerb } from './get.ts'
import { annotateVerb, labelVerb } from './label.ts'
import { logsVerb } from './logs.ts'
import { cordonVerb, drainVerb, taintVerb, uncordonVerb } from './nodes.ts'
import { patchVerb, replaceVerb } from './patch.ts'
import { portForwardVerb } from './port-forward.ts'
import { proxyVerb } from './proxy.ts'
import { rolloutVerb } from './rollout.ts'
import { runVerb } from './run.ts'
import { autoscaleVerb, scaleVerb } from './scale.ts'
import { setVerb } from './set.ts'
import { topVerb } from './top.ts'
import { waitVerb } from './wait.ts'

const alpha = refused('alpha', 'Commands for features in alpha', 'it has no alpha commands')
const completion = refused(
  'completion',
  'Output shell completion code for the specified shell (bash, zsh, fish, or powershell)',
  'the shell of this terminal completes kubectl by itself: press Tab',
)
const kustomize = refused('kustomize', 'Build a kustomization target from a directory or URL', 'write the objects out and use apply -f')
const plugin = refused('plugin', 'Provides utilities for interacting with plugins', 'plugins cannot be installed here')

/** In the order of the real command, which is also the order of its suggestions. */
export const verbGroups: readonly VerbGroup[] = [
  { title: 'Basic Commands (Beginner)', verbs: [createVerb, exposeVerb, runVerb, setVerb] },
  { title: 'Basic Commands (Intermediate)', verbs: [explainVerb, getVerb, editVerb, deleteVerb] },
  { title: 'Deploy Commands', verbs: [rolloutVerb, scaleVerb, autoscaleVerb] },
  {
    title: 'Cluster Management Commands',
    verbs: [certificateVerb, clusterInfoVerb, topVerb, cordonVerb, uncordonVerb, drainVerb, taintVerb],
  },
  {
    title: 'Troubleshooting and Debugging Commands',
    verbs: [describeVerb, logsVerb, attachVerb, execVerb, portForwardVerb, proxyVerb, cpVerb, authVerb, debugVerb, eventsVerb],
  },
  { title: 'Advanced Commands', verbs: [diffVerb, applyVerb, patchVerb, replaceVerb, waitVerb, kustomize] },
  { title: 'Settings Commands', verbs: [labelVerb, annotateVerb, completion] },
  { title: 'Other Commands', verbs: [alpha, apiResourcesVerb, apiVersionsVerb, configVerb, plugin, versionVerb] },
]

const hiddenOrder = [alpha, configVerb, plugin, versionVerb, apiVersionsVerb, apiResourcesVerb, optionsVerb]

export const rootVerb: Verb = {
  name: 'kubectl',
  about: 'kubectl controls the Kubernetes cluster manager',
  usage: '[flags] [options]',
  children: [...verbGroups.slice(0, -1).flatMap((group) => group.verbs), ...hiddenOrder],
}
