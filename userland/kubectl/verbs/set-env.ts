import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure } from '../cli/failure.ts'
import type { Call } from '../cli/verb.ts'
import { pathOf, resolveType } from '../client/discovery.ts'

type Env = { name: string; value?: string; valueFrom?: any }

export interface EnvChanges {
  readonly set: readonly Env[]
  readonly remove: readonly string[]
}

/** `A=B`, `A-` and `--from` as changes. Throws in kubectl's words. */
export async function envChanges(call: Call, words: readonly string[]): Promise<EnvChanges> {
  const set: Env[] = []
  const remove: string[] = []
  for (const word of words) {
    const equals = word.indexOf('=')
    if (equals > 0) set.push({ name: word.slice(0, equals), value: word.slice(equals + 1) })
    else if (equals < 0 && word.endsWith('-')) remove.push(word.slice(0, -1))
    else throw new Failure(`invalid environment variable: ${word}`)
  }
  const from = call.flags.text('from')
  if (from === '') return { set, remove }
  const [word = '', name = ''] = from.split('/')
  const type = resolveType(await call.discovery(), word)
  if (type.kind !== 'ConfigMap' && type.kind !== 'Secret') throw new Failure(`unsupported resource specified in --from: ${from}`)
  const source = await call.client().json('GET', pathOf(type, call.namespace(), name))
  const wanted = call.flags.list('keys')
  const reference = type.kind === 'Secret' ? 'secretKeyRef' : 'configMapKeyRef'
  for (const key of Object.keys(source.data ?? {}).sort()) {
    if (wanted.length > 0 && !wanted.includes(key)) continue
    const variable = `${call.flags.text('prefix')}${key.replace(/[^A-Za-z0-9_]/g, '_')}`.toUpperCase()
    if (key !== variable.slice(call.flags.text('prefix').length))
      await call.err(`Warning: key ${key} transferred to ${variable.slice(call.flags.text('prefix').length)}\n`)
    set.push({ name: variable, valueFrom: { [reference]: { key, name } } })
  }
  return { set, remove }
}

export function changeEnv(container: any, changes: EnvChanges, overwrite: boolean, named: string): any {
  let env: Env[] = [...(container.env ?? [])]
  for (const variable of changes.set) {
    const at = env.findIndex((one) => one.name === variable.name)
    if (at < 0) env.push(variable)
    else if (!overwrite && env[at]?.value !== variable.value)
      throw new Failure(`${named} '${variable.name}' already has a value (${env[at]?.value}), and --overwrite is false`)
    else env[at] = variable
  }
  env = env.filter((one) => !changes.remove.includes(one.name))
  const { env: _, ...rest } = container
  return env.length > 0 ? { ...rest, env } : rest
}

export function listEnv(
  object: KubeObject,
  containers: readonly any[],
  pattern: string,
  matches: (pattern: string, name: string) => boolean,
): string {
  let text = ''
  for (const container of containers) {
    if (!matches(pattern, container.name)) continue
    text += `# ${object.kind} ${object.metadata?.name}, container ${container.name}\n`
    for (const one of container.env ?? []) text += envLine(one)
  }
  return text
}

function envLine(one: Env): string {
  const from = one.valueFrom
  if (!from) return `${one.name}=${one.value ?? ''}\n`
  if (from.secretKeyRef) return `# ${one.name} from secret ${from.secretKeyRef.name}, key ${from.secretKeyRef.key}\n`
  if (from.configMapKeyRef) return `# ${one.name} from configmap ${from.configMapKeyRef.name}, key ${from.configMapKeyRef.key}\n`
  if (from.fieldRef) return `# ${one.name} from field path ${from.fieldRef.fieldPath}\n`
  return `# ${one.name} from resource field ${from.resourceFieldRef?.resource ?? ''}\n`
}
