import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { threadId } from 'node:worker_threads'
import type { OpenapiSchemas } from '../../simulator/apiserver/openapi/schema.ts'
import { packageVersions } from './packages.ts'
import { kubernetesSchemas } from './schemas.ts'

const own = dirname(fileURLToPath(import.meta.url))
const root = join(own, '../..')
const folder = join(root, 'dist/openapi')
/** What the schemas are made by; the packages that they are made of count by their version. */
const makers = [
  ...readdirSync(own)
    .filter((file) => !file.endsWith('.test.ts'))
    .map((file) => join(own, file)),
  join(root, 'simulator/apiserver/patch/strategies.ts'),
  join(root, 'simulator/apiserver/protobuf/messages.ts'),
  join(root, 'simulator/apiserver/openapi/schema.ts'),
]

let parsed: OpenapiSchemas | undefined

/** The schemas of this thread: parsed at the first call, from `dist/openapi` where they are made already. */
export function openapiSchemas(): OpenapiSchemas {
  parsed ??= JSON.parse(cachedSchemas()) as OpenapiSchemas
  return parsed
}

/** The text of the schemas, made where the cache has none of these packages and makers; where it cannot be written, it is made each time. */
export function cachedSchemas(): string {
  const hash = createHash('sha256').update(packageVersions())
  for (const file of makers.sort()) hash.update(readFileSync(file))
  const key = hash.digest('hex').slice(0, 16)
  const path = join(folder, `${key}.json`)
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const text = JSON.stringify({ version: key, schemas: kubernetesSchemas() } satisfies OpenapiSchemas)
  keep(path, text)
  return text
}

/** Written beside and moved into place: a second process makes the same file, and nobody reads half a one. */
function keep(path: string, text: string): void {
  const beside = `${path}.${process.pid}.${threadId}`
  try {
    mkdirSync(folder, { recursive: true })
    writeFileSync(beside, text)
    renameSync(beside, path)
    for (const file of readdirSync(folder))
      if (file.endsWith('.json') && join(folder, file) !== path) rmSync(join(folder, file), { force: true })
  } catch (error) {
    // An installation that may only be read, as in a container image, lives without the file.
    if (!['EACCES', 'EROFS', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
