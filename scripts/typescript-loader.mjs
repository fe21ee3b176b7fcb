import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { threadId } from 'node:worker_threads'

const options = {
  loader: 'ts',
  target: `node${process.versions.node}`,
  sourcemap: 'inline',
  sourcesContent: false,
  tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
}

const maker = `esbuild ${createRequire(import.meta.url)('esbuild/package.json').version} ${JSON.stringify(options)}`

/** What was made before: each thread of the server loads the same thousand files. */
const folder = fileURLToPath(new URL('../dist/javascript/', import.meta.url))

/**
 * Node's `load` hook: takes the types out of TypeScript and leaves the rest as it is, as newer Nodes do. In particular it keeps no names
 * of functions by force: that is a call for each closure each time it is made, a fifth of what it takes to fork a cluster.
 */
export async function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context)
  const file = fileURLToPath(url)
  const source = await readFile(file, 'utf8')
  const key = createHash('sha256').update(maker).update(file).update(source).digest('hex')
  // One of each name and place, so that edits leave nothing behind; the key stands at its end, where it moves no line.
  const kept = join(folder, `${createHash('sha256').update(file).digest('hex').slice(0, 16)}-${basename(file, '.ts')}.js`)
  const before = await readFile(kept, 'utf8').catch(() => '')
  if (before.endsWith(key)) return { format: 'module', source: before, shortCircuit: true }
  const { transform } = await import('esbuild')
  const { code } = await transform(source, { ...options, sourcefile: file })
  await keep(kept, `${code}// ${key}`)
  return { format: 'module', source: code, shortCircuit: true }
}

/** Written beside and moved into place, so that nobody reads half a file. Where nothing can be written, it is made each time. */
async function keep(path, text) {
  const beside = `${path}.${process.pid}.${threadId}`
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(beside, text)
    await rename(beside, path)
  } catch (error) {
    if (!['EACCES', 'EROFS', 'EPERM', 'ENOSPC'].includes(error.code)) throw error
  }
}
