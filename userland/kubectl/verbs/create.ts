import { Failure } from '../cli/failure.ts'
import { bool, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import {
  createObject,
  dryRunFlag,
  dryRunOf,
  fieldManagerFlag,
  report,
  validateFlag,
  validation,
  withLastApplied,
  withSource,
} from '../objects/change.ts'
import { filenameFlags, hasFiles, readManifests } from '../objects/manifests.ts'
import { manifestTarget, selectorFlag, throwAll } from '../objects/targets.ts'
import { printFlags } from '../print/printer.ts'
import { createConfigMap, createSecret } from './create-data.ts'
import { createMisc } from './create-misc.ts'
import { createService } from './create-service.ts'
import { createCronJob, createDeployment, createJob } from './create-workload.ts'
import { sendRaw } from './raw.ts'

export const createVerb: Verb = {
  name: 'create',
  about: 'Create a resource from a file or from stdin',
  examples: [
    'kubectl create -f web.yaml',
    'kubectl create deployment web --image=nginx --replicas=3',
    'kubectl create configmap conf --from-literal=a=b',
  ],
  usage: '-f FILENAME [options]',
  flags: [
    dryRunFlag,
    bool('edit', 'Refused: use create and then edit.'),
    fieldManagerFlag('kubectl-create'),
    ...filenameFlags,
    text('raw', 'Path to POST the file to, as it is.'),
    bool('save-config', 'Record the objects in their last-applied annotations.'),
    selectorFlag,
    validateFlag,
    bool('windows-line-endings', 'Refused together with --edit.'),
    ...printFlags,
  ],
  children: [createConfigMap, createCronJob, createDeployment, createJob, createSecret, createService, ...createMisc],
  run: createFromFiles,
}

async function createFromFiles(call: Call): Promise<undefined> {
  if (call.flags.changed('edit')) throw new Failure('--edit is not supported by create of this kubectl')
  if (call.args.length > 0) throw new Failure(`Unexpected args: [${call.args.join(' ')}]\nSee 'kubectl create -h' for help and examples`)
  if (!hasFiles(call)) throw new Failure('must specify one of -f and -k')
  if (call.flags.text('raw')) return sendRaw(call, 'POST')
  // Values that are none are refused before any object is looked at.
  const dryRun = dryRunOf(call)
  validation(call)
  const failures: Error[] = []
  const manifests = await readManifests(call, failures)
  if (manifests.length === 0) throwAll(failures)
  const discovery = await call.discovery()
  const unread = failures.splice(0)
  for (const manifest of manifests) {
    let target: ReturnType<typeof manifestTarget>
    try {
      target = manifestTarget(call, discovery, manifest)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      failures.push(error)
      continue
    }
    try {
      const { type, namespace } = target
      const object = call.flags.bool('save-config') ? withLastApplied(manifest.object, namespace) : manifest.object
      const placed = namespace ? { ...object, metadata: { ...object.metadata, namespace } } : object
      const created = dryRun === 'client' ? placed : await createObject(call, type, namespace, placed)
      await report(call, type, created, 'created')
    } catch (error) {
      const named = withSource(error, 'creating', manifest.source)
      if (!(named instanceof Failure)) throw named
      failures.push(named)
    }
  }
  throwAll([...failures, ...unread])
}
