import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { clientFolder } from './packages.ts'

/** A class of the client library: one type of the Kubernetes API. */
export interface ClientModel {
  /** `V1ServicePort`, `CoreV1Event` */
  readonly name: string
  readonly description: string
  readonly fields: readonly ClientField[]
}

export interface ClientField {
  /** As in JSON; the class may call it otherwise (`_continue`). */
  readonly name: string
  readonly required: boolean
  readonly description: string
  /** `string`, `Array<V1Container>`, `{ [key: string]: string; }` */
  readonly type: string
  readonly format: string
}

/** Every model: fields, types and formats from the class's own table, what is required and the comments from its declaration. */
export function clientModels(): ClientModel[] {
  const folder = join(clientFolder(), 'gen/models')
  // The folder also holds classes of past versions, which nothing exports any more.
  const exported = readFileSync(join(folder, 'all.js'), 'utf8').matchAll(/'\.\.\/models\/(\w*V\d\w*)\.js'/g)
  return [...exported].flatMap(([, name = '']) => {
    const code = readFileSync(join(folder, `${name}.js`), 'utf8')
    const table = /\.attributeTypeMap = (\[[\s\S]*?\n?\]);/.exec(code)?.[1]
    return table ? [model(name, table, readFileSync(join(folder, `${name}.d.ts`), 'utf8'))] : []
  })
}

interface Attribute {
  readonly name: string
  readonly baseName: string
  readonly type: string
  readonly format: string
}

const comment = String.raw`(?:\/\*\*\n\s*\* (?<text>.*)\n\s*\*\/\s*)?`

function model(name: string, table: string, declaration: string): ClientModel {
  const description = new RegExp(`${comment}export declare class ${name} `).exec(declaration)?.groups?.['text'] ?? ''
  const declared = new Map<string, { required: boolean; description: string }>()
  for (const found of declaration.matchAll(new RegExp(`${comment}'(?<field>[^']+)'(?<optional>\\??): `, 'g'))) {
    const { text = '', field = '', optional } = found.groups!
    declared.set(field, { required: optional === '', description: plain(text) })
  }
  const fields = (JSON.parse(table) as Attribute[]).map(({ name: property, baseName, type, format }) => {
    const field = declared.get(property)
    if (!field) throw new Error(`@kubernetes/client-node: ${name}.${property} is in the class's table and not in its declaration`)
    return { name: baseName, type, format, ...field }
  })
  return { name, description: plain(description), fields }
}

/** Quotes are escaped in comments, and what would begin or end one is parted (`pods/_*`, `*_/scale`). */
function plain(text: string): string {
  return text
    .replaceAll(/\\(["'\\])/g, '$1')
    .replaceAll('*_/', '*/')
    .replaceAll('/_*', '/*')
}

/** Which API returns objects of a class: `V1DeviceClass` → `ResourceV1Api`. */
export function clientApis(): Map<string, string> {
  const folder = join(dirname(join(clientFolder(), 'gen/models')), 'apis')
  const apis = new Map<string, string>()
  for (const file of readdirSync(folder)) {
    if (!/V\d\w*Api\.d\.ts$/.test(file)) continue
    for (const [, name] of readFileSync(join(folder, file), 'utf8').matchAll(/from '\.\.\/models\/(\w+)\.js'/g)) {
      if (!apis.has(name!)) apis.set(name!, file.slice(0, -'.d.ts'.length))
    }
  }
  return apis
}
