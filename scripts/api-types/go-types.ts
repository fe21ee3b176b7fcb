/** A struct field or a named type, as Go source of the Kubernetes API declares it. */
export interface GoField {
  /** Absent for an embedded struct. */
  readonly name: string | undefined
  /** `*core.Probe`, `[]string`, `map[string]Quantity`, as written. */
  readonly type: string
  readonly tags: Readonly<Record<string, string>>
  readonly markers: Markers
}

/** `+listType=map`, `+listMapKey=name` and their like in the comment above; a marker may stand several times. */
export type Markers = ReadonlyMap<string, readonly string[]>

export interface GoType {
  /** Fields of a struct; undefined for a type that stands for another. */
  readonly fields: readonly GoField[] | undefined
  readonly underlying: string
  readonly markers: Markers
}

const declaration = /^type (\w+) (.+)$/
const field = /^\t(?:(\w+)\s+)?([\w.*[\]]+(?:\{\})?)\s*(?:`(.*)`)?\s*(?:\/\/.*)?$/

/** The types that one Go file declares at its top level, by name. */
export function goTypes(source: string): Map<string, GoType> {
  const types = new Map<string, GoType>()
  let comment: string[] = []
  let open: { name: string; fields: GoField[]; markers: Markers } | undefined
  for (const line of source.replaceAll(/\/\*[\s\S]*?\*\//g, '').split('\n')) {
    const text = line.trim()
    if (text.startsWith('//')) {
      comment.push(text.slice(2).trim())
    } else if (text === '') {
      // A marker may stand apart from the declaration by an empty line (the type's second comment block).
      if (open) comment = []
    } else if (open) {
      const found = field.exec(line)
      if (line === '}') {
        types.set(open.name, { fields: open.fields, underlying: 'struct', markers: open.markers })
        open = undefined
      } else if (found) {
        open.fields.push({ name: found[1], type: found[2]!, tags: structTags(found[3] ?? ''), markers: markersOf(comment) })
      } else {
        throw new Error(`a field of ${open.name} was not understood: ${line}`)
      }
      comment = []
    } else {
      const found = declaration.exec(line)
      const [, name, type] = found ?? []
      if (name && type === 'struct {') open = { name, fields: [], markers: markersOf(comment) }
      else if (name && /^[\w.*[\]]+$/.test(type!)) types.set(name, { fields: undefined, underlying: type!, markers: markersOf(comment) })
      comment = []
    }
  }
  return types
}

function structTags(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/(\w+):"([^"]*)"/g)].map(([, key, value]) => [key!, value!]))
}

function markersOf(comment: readonly string[]): Markers {
  const markers = new Map<string, string[]>()
  for (const line of comment) {
    const [, name, value] = /^\+([\w:.]+)(?:=(.*))?$/.exec(line) ?? []
    if (name) markers.set(name, [...(markers.get(name) ?? []), value ?? ''])
  }
  return markers
}
