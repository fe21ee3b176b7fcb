import type { KubeObject } from '../../kubernetes.ts'
import type { ScalePaths } from '../../resources/customresourcedefinition/types.ts'
import type { FieldError, ScaleMapping } from '../../resources/definition.ts'
import { invalid } from '../../resources/fields.ts'
import { dotted, valueAt, withValueAt } from '../../resources/schema/jsonpath.ts'

const largest = 2 ** 31 - 1

/** The scale subresource of a custom kind: where its definition says that replicas and selector stand. */
export function scaleMapping({ specReplicasPath, statusReplicasPath, labelSelectorPath }: ScalePaths): ScaleMapping<KubeObject> {
  const spec = dotted(specReplicasPath)
  const status = dotted(statusReplicasPath)
  const selector = labelSelectorPath ? dotted(labelSelectorPath) : undefined
  return {
    replicas: (object) => number(valueAt(object, spec)),
    statusReplicas: (object) => number(valueAt(object, status)),
    selector: (object) => {
      const found = selector && valueAt(object, selector)
      return typeof found === 'string' ? found : ''
    },
    withReplicas: (object, replicas) => withValueAt(object, spec, replicas),
    missing: (object) =>
      valueAt(object, spec) === undefined ? `the spec replicas field ${JSON.stringify(specReplicasPath)} does not exist` : undefined,
  }
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0
}

/** What an object may not say where its scale is read from (ValidateScaleSpec, ValidateScaleStatus). */
export function scaleErrors(scale: ScalePaths | undefined, object: KubeObject): FieldError[] {
  if (!scale) return []
  return [scale.specReplicasPath, scale.statusReplicasPath].flatMap((path) => {
    const value = valueAt(object, dotted(path))
    if (value === undefined) return []
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      return [invalid(path, 0, `${path} accessor error: ${goText(value)} is of the type ${goType(value)}, expected int64`)]
    }
    if (value < 0) return [invalid(path, value, 'should be a non-negative integer')]
    return value > largest ? [invalid(path, value, `should be less than or equal to ${largest}`)] : []
  })
}

function goType(value: unknown): string {
  if (value === null) return '<nil>'
  if (Array.isArray(value)) return '[]interface {}'
  return { string: 'string', number: 'float64', boolean: 'bool' }[typeof value as string] ?? 'map[string]interface {}'
}

function goText(value: unknown): string {
  return value === null ? '<nil>' : typeof value === 'object' ? JSON.stringify(value) : String(value)
}
