import type { StateCheck } from '../labs/schema.ts'
import { messageOf } from '../refused.ts'
import { compileExpression } from './expression.ts'
import { type Finding, type Scene, shorten } from './finding.ts'
import { fetchObjects, referenceOf } from './objects.ts'

/** A CEL expression over objects. A field that is not there makes it fail, as it would make a person say "no": it is no error of the check. */
export async function checkState(check: StateCheck, scene: Scene, signal?: AbortSignal): Promise<Finding> {
  const names = Object.keys(check.objects)
  const found = await Promise.all(Object.values(check.objects).map((text) => fetchObjects(scene.kube, referenceOf(text), signal)))
  const values = Object.fromEntries(names.map((name, index) => [name, found[index]]))
  const expected = check.expect ?? shorten(check.expr)
  const inventory = names.map((name) => describe(check.objects[name] ?? name, values[name])).join('; ')
  try {
    const result = compileExpression(check.expr, names)(values)
    if (typeof result !== 'boolean')
      return { outcome: 'unknown', expected, seen: `the expression gives no true or false but ${typeof result}` }
    return { outcome: result ? 'passed' : 'failed', expected, seen: inventory }
  } catch (error) {
    const reason = (messageOf(error).split('\n')[0] ?? '').trim()
    if (/^No such key|^No such field|index out of|undefined/i.test(reason) || Object.values(values).some((value) => value === null)) {
      return { outcome: 'failed', expected, seen: `${inventory} (${reason})` }
    }
    return { outcome: 'unknown', expected, seen: `the expression could not be worked out: ${reason}` }
  }
}

function describe(reference: string, value: unknown): string {
  if (value === null || value === undefined) return `${reference} does not exist`
  if (Array.isArray(value)) return `${value.length} of ${reference}`
  const { spec, status } = value as { spec?: Record<string, unknown>; status?: Record<string, unknown> }
  // A count that is not there is nothing: what is missing must be seen to be missing.
  const count = (field: string) => Number(status?.[field] ?? 0)
  if (typeof spec?.['replicas'] === 'number')
    return `${reference}: ${count('availableReplicas')} of ${spec['replicas']} replicas are available`
  if (status?.['desiredNumberScheduled'] !== undefined)
    return `${reference}: ${count('numberAvailable')} of ${count('desiredNumberScheduled')} pods are available`
  if (status?.['loadBalancer'] !== undefined) return `${reference} ${describeAddress(status['loadBalancer'] as LoadBalancerStatus)}`
  if (status?.['phase'] !== undefined) return `${reference}: ${String(status['phase'])}`
  return `${reference} exists`
}

interface LoadBalancerStatus {
  readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[]
}

/** Of a Service or an Ingress. */
function describeAddress({ ingress = [] }: LoadBalancerStatus): string {
  const addresses = ingress.map(({ ip, hostname }) => ip ?? hostname ?? '')
  return addresses.length === 0 ? 'has no address in its status' : `has the address ${addresses.join(', ')}`
}
