import type { GoField, GoType } from './go-types.ts'

/** The types of one Go package under the short name that the table gives it (`core`, `autoscaling2`). */
export type Packages = ReadonlyMap<string, ReadonlyMap<string, GoType>>

const scalars: Readonly<Record<string, string>> = {
  string: 's',
  bool: 'b',
  int: 'i',
  int32: 'i',
  int64: 'i',
  float64: 'd',
  '[]byte': 'y',
  'meta.Time': 'T',
  'meta.MicroTime': 'U',
  'meta.FieldsV1': 'F',
  'meta.Duration': 'D',
  'resource.Quantity': 'Q',
  'intstr.IntOrString': 'I',
  'runtime.RawExtension': 'R',
}

/** Go's import names of packages that the table calls by another. */
const importNames: Readonly<Record<string, string>> = {
  metav1: 'meta',
  v1: 'core',
  apiv1: 'core',
  corev1: 'core',
  authv1: 'authentication',
}

interface Shape {
  readonly shape: '' | '[]' | '{}'
  readonly type: string
  readonly pointer: boolean
  /** The named type's own markers, where the field's type has a name. */
  readonly named: GoType | undefined
}

/** Every message that the given kinds reach, in the table's notation (see messages.ts), sorted by name. */
export function messageTable(packages: Packages, roots: readonly string[]): Map<string, string> {
  const table = new Map<string, string>()
  const waiting = [...roots]
  for (let message = waiting.pop(); message !== undefined; message = waiting.pop()) {
    if (table.has(message)) continue
    const [room, name] = message.split('.') as [string, string]
    const type = packages.get(room)?.get(name)
    if (!type?.fields) throw new Error(`${message} is not a struct of the sources`)
    const entries = type.fields.flatMap((field) => entry(field, room, packages, waiting))
    table.set(message, entries.join(' '))
  }
  return new Map([...table].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function entry(field: GoField, room: string, packages: Packages, waiting: string[]): string[] {
  const { protobuf, json } = field.tags
  // TypeMeta is the envelope's business, and what has no number is never sent.
  if (!protobuf || json === undefined) return []
  const number = protobuf.split(',')[1]
  const [jsonName, ...options] = json.split(',')
  const { shape, type, pointer, named } = shapeOf(field.type, room, packages)
  if (type.includes('.')) waiting.push(type)
  const name = options.includes('inline') ? '.' : jsonName
  const keepsZero = pointer || !options.includes('omitempty')
  return [`${number}:${name}:${shape}${type}${keepsZero ? '!' : ''}${merging(field, shape, named)}`]
}

function shapeOf(written: string, room: string, packages: Packages): Shape {
  if (written.startsWith('*')) return { ...shapeOf(written.slice(1), room, packages), pointer: true }
  if (scalars[written]) return { shape: '', type: scalars[written]!, pointer: false, named: undefined }
  if (written.startsWith('[]')) return { ...shapeOf(written.slice(2), room, packages), shape: '[]', pointer: false }
  const map = /^map\[[\w.]+\](.+)$/.exec(written)
  if (map) return { ...shapeOf(map[1]!, room, packages), shape: '{}', pointer: false }
  const [prefix, bare] = written.includes('.') ? written.split('.') : [room, written]
  const home = importNames[prefix!] ?? prefix!
  const full = `${home}.${bare}`
  if (scalars[full]) return { shape: '', type: scalars[full]!, pointer: false, named: undefined }
  if (home === 'types') return { shape: '', type: 's', pointer: false, named: undefined }
  const type = packages.get(home)?.get(bare!)
  if (!type) throw new Error(`${written} of ${room} is not in the sources`)
  if (type.fields) return { shape: '', type: full, pointer: false, named: type }
  // A named list of strings is a message of its own in protobuf.
  if (type.underlying === '[]string') return { shape: '', type: 'E', pointer: false, named: undefined }
  return shapeOf(type.underlying, home, packages)
}

/** How a list or an object merges: what follows `|` in the table. Nothing for what has upstream's default. */
function merging(field: GoField, shape: string, named: GoType | undefined): string {
  const marks: string[] = []
  const strategies = (field.tags['patchStrategy'] ?? '').split(',')
  const { patchMergeKey } = field.tags
  if (strategies.includes('merge')) marks.push(patchMergeKey ? `merge=${patchMergeKey}` : 'merge')
  if (strategies.includes('retainKeys')) marks.push('retainKeys')
  const listType = field.markers.get('listType')?.[0]
  if (shape === '[]' && listType === 'set') marks.push('set')
  if (shape === '[]' && listType === 'map') marks.push(`keys=${field.markers.get('listMapKey')!.join('+')}`)
  const whole =
    shape === '{}'
      ? field.markers.get('mapType')
      : (field.markers.get('structType') ?? (shape === '' ? named?.markers.get('structType') : undefined))
  if (whole?.[0] === 'atomic') marks.push('atomic')
  const initial = field.markers.get('default')?.[0]
  if (initial?.startsWith('"')) marks.push(`default=${JSON.parse(initial)}`)
  return marks.length > 0 ? `|${marks.join(',')}` : ''
}
