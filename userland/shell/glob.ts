import type { FileSystem } from '../../simulator/files.ts'
import { FileError, resolvePath } from '../../simulator/files.ts'
import { patternRegExp } from '../posix/pattern.ts'

/** Paths that match a shell pattern (POSIX 2.14.3), sorted; empty where none does. A backslash quotes. */
export function glob(files: FileSystem, cwd: string, pattern: string): string[] {
  const absolute = pattern.startsWith('/')
  const segments = pattern.split('/').filter((segment) => segment !== '')
  let found = [absolute ? '/' : '']
  segments.forEach((segment, index) => {
    const last = index === segments.length - 1
    found = found.flatMap((base) => matches(files, cwd, base, segment, last))
  })
  return pattern.endsWith('/') ? found.map((path) => `${path}/`) : found
}

function matches(files: FileSystem, cwd: string, base: string, segment: string, last: boolean): string[] {
  const join = (name: string) => (base === '' || base.endsWith('/') ? base + name : `${base}/${name}`)
  if (!/(^|[^\\])[*?[]/.test(segment)) {
    const path = join(segment.replace(/\\(.)/g, '$1'))
    return files.exists(resolvePath(cwd, path)) ? [path] : []
  }
  const expression = patternRegExp(segment, true)
  try {
    return files
      .list(resolvePath(cwd, base || '.'))
      .filter((file) => expression.test(file.name) && (!file.name.startsWith('.') || /^\\?\./.test(segment)) && (last || file.directory))
      .map((file) => join(file.name))
      .sort()
  } catch (error) {
    // A pattern finds nothing in what is no directory; that is no failure.
    if (error instanceof FileError) return []
    throw error
  }
}
