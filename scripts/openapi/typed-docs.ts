import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { typesFolder } from './packages.ts'

/**
 * What kubernetes-types knows and the client library lost: line breaks of comments, the comments of fields that hold another type, which
 * strings are quantities, and in which package of k8s.io/api a type stands.
 */
export interface DocumentedType {
  /** `core/v1`, as the package's folders are called; `` for those of no group. */
  readonly place: string
  readonly name: string
  readonly description: string
  readonly fields: ReadonlyMap<string, { readonly type: string; readonly description: string }>
}

export function documentedTypes(): DocumentedType[] {
  const root = typesFolder()
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.d.ts'))
  return files.flatMap((file) => typesOf(file.slice(0, -'.d.ts'.length).replaceAll('\\', '/'), readFileSync(join(root, file), 'utf8')))
}

const comment = String.raw`(?:\/\*\*(?<text>(?:(?!\*\/)[\s\S])*)\*\/\s*)?`
const declaration = new RegExp(`${comment}export (?:interface (?<name>\\w+) \\{(?<body>[\\s\\S]*?)\\n\\}\\n|type (?<alias>\\w+) = )`, 'g')
const field = new RegExp(`${comment}(?:readonly )?['"]?(?<name>[\\w$-]+)['"]?\\??: (?<type>\\{[^}]*\\}|[^;]+);`, 'g')

function typesOf(place: string, text: string): DocumentedType[] {
  return [...text.matchAll(declaration)].map(({ groups = {} }) => ({
    place,
    name: groups['name'] ?? groups['alias']!,
    description: lines(groups['text']),
    fields: new Map(
      [...(groups['body'] ?? '').matchAll(field)].map(({ groups: one = {} }) => [
        one['name']!,
        { type: one['type']!.replaceAll(/\s+/g, ' '), description: lines(one['text']) },
      ]),
    ),
  }))
}

/** The text of a comment, without its stars. */
function lines(comment: string | undefined): string {
  if (comment === undefined) return ''
  const inner = comment.includes('\n') ? comment.split('\n').map((line) => line.replace(/^\s*\* ?/, '')) : [comment]
  return inner.join('\n').trim()
}
