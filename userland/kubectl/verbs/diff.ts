import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure, isNotFound, SilentExit } from '../cli/failure.ts'
import { bool, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { pathOf } from '../client/discovery.ts'
import { fieldManagerFlag, lastApplied, patchTypes, withLastApplied } from '../objects/change.ts'
import { filenameFlags, hasFiles, readManifests } from '../objects/manifests.ts'
import { manifestTarget, selectorFlag } from '../objects/targets.ts'
import { threeWayMergePatch } from '../patch/json-merge.ts'
import { patchesStrategically } from '../patch/merge-keys.ts'
import { threeWayPatch } from '../patch/strategic.ts'
import { yamlText } from '../print/yaml.ts'
import { unifiedDiff } from './unified-diff.ts'

export const diffVerb: Verb = {
  name: 'diff',
  about: 'Diff the live version against a would-be applied version',
  more: 'Exits with 0 where nothing differs, 1 where something does, and more on errors.',
  usage: '-f FILENAME [options]',
  flags: [
    { name: 'concurrency', kind: 'int', value: '1', about: 'Accepted.' },
    fieldManagerFlag('kubectl-client-side-apply'),
    ...filenameFlags,
    bool('force-conflicts', 'Accepted.'),
    bool('prune', 'Refused.'),
    selectorFlag,
    bool('server-side', 'Refused: only client-side apply is compared.'),
    bool('show-managed-fields', 'Accepted.'),
    text('show-secret', 'Accepted.'),
  ],
  run,
}

async function run(call: Call): Promise<undefined> {
  for (const no of ['server-side', 'prune'])
    if (call.flags.bool(no)) throw new Failure(`--${no} is not supported by diff of this kubectl`, 2)
  if (!hasFiles(call)) throw new Failure('must specify one of -f and -k', 2)
  let differs = false
  try {
    const discovery = await call.discovery()
    const stamp = longStamp(call.process.clock.now())
    const [liveDir, mergedDir] = ['LIVE', 'MERGED'].map((word) => `/tmp/${word}-${Math.floor(call.process.random.next() * 4_294_967_296)}`)
    const sides: { name: string; live: string; merged: string }[] = []
    for (const manifest of await readManifests(call)) {
      const { type, namespace, name = '' } = manifestTarget(call, discovery, manifest)
      const path = pathOf(type, namespace, name)
      const live = await call
        .client()
        .json<KubeObject>('GET', path)
        .catch((error: unknown) => {
          if (isNotFound(error)) return undefined
          throw error
        })
      const modified = withLastApplied(manifest.object, namespace)
      const merged: KubeObject = live
        ? await dryPatch(call, path, live, modified, patchesStrategically(type))
        : await call.client().json('POST', pathOf(type, namespace), {
            body: modified,
            query: { dryRun: 'All', fieldManager: call.flags.text('field-manager') },
          })
      sides.push({
        name: `${type.group || ''}${type.group ? '.' : ''}${type.version}.${type.kind}.${namespace ?? ''}.${name}`,
        live: live ? shown(live) : '',
        merged: shown(merged),
      })
    }
    for (const { name, live, merged } of sides) {
      if (live === merged) continue
      differs = true
      const [from, to] = [`${liveDir}/${name}`, `${mergedDir}/${name}`]
      await call.out(`diff -u -N ${from} ${to}\n${unifiedDiff(live, merged, `${from}\t${stamp}`, `${to}\t${stamp}`)}`)
    }
  } catch (error) {
    // 1 means "differs": every real failure has to say more.
    if (error instanceof Failure && error.exitCode === 1) Object.assign(error, { exitCode: 2 })
    throw error
  }
  if (differs) throw new SilentExit(1)
}

function dryPatch(call: Call, path: string, live: KubeObject, modified: KubeObject, strategic: boolean): Promise<KubeObject> {
  const recorded = (live.metadata?.annotations as Record<string, string> | undefined)?.[lastApplied]
  const original = recorded ? JSON.parse(recorded) : {}
  const body = (strategic ? threeWayPatch : threeWayMergePatch)(original, modified, live)
  const contentType = patchTypes[strategic ? 'strategic' : 'merge']
  return call.client().json('PATCH', path, { body, contentType, query: { dryRun: 'All', fieldManager: call.flags.text('field-manager') } })
}

/** As diff dates the files it compares, in UTC. */
function longStamp(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', '000000 +0000')
}

function shown(object: KubeObject): string {
  const { managedFields: _, ...metadata } = object.metadata ?? {}
  const { [lastApplied]: __, ...annotations } = (metadata.annotations ?? {}) as Record<string, string>
  return yamlText({ ...object, metadata: { ...metadata, annotations: Object.keys(annotations).length > 0 ? annotations : undefined } })
}
