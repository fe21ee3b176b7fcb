import type { Closer } from './clock.ts'

/** errno names of the file system. `message` is what `strerror` says. */
export type FileErrno = 'ENOENT' | 'EEXIST' | 'EISDIR' | 'ENOTDIR' | 'EROFS' | 'EACCES' | 'ENOTEMPTY'

const messages: Record<FileErrno, string> = {
  ENOENT: 'No such file or directory',
  EEXIST: 'File exists',
  EISDIR: 'Is a directory',
  ENOTDIR: 'Not a directory',
  EROFS: 'Read-only file system',
  EACCES: 'Permission denied',
  ENOTEMPTY: 'Directory not empty',
}

export class FileError extends Error {
  readonly code: FileErrno
  readonly path: string
  constructor(code: FileErrno, path: string) {
    super(messages[code])
    this.name = 'FileError'
    this.code = code
    this.path = path
  }
}

export interface FileInfo {
  readonly name: string
  readonly directory: boolean
  readonly size: number
  readonly mode: number
  /** ms since the epoch. */
  readonly modified: number
}

/** Files as a process sees them. Paths are absolute; `resolvePath` makes them so. Refusals are `FileError`s. */
export interface FileSystem {
  read(path: string): Uint8Array
  readText(path: string): string
  write(path: string, content: Uint8Array | string): void
  append(path: string, content: Uint8Array | string): void
  exists(path: string): boolean
  stat(path: string): FileInfo
  /** Sorted by name. */
  list(path: string): FileInfo[]
  makeDirectory(path: string, options?: { parents?: boolean }): void
  remove(path: string, options?: { recursive?: boolean }): void
  rename(from: string, to: string): void
  setMode(path: string, mode: number): void
  /** Calls `changed` with the path of every write at or below `path`, or that removes or creates a parent of it, within a mount too. */
  watch(path: string, changed: (path: string) => void): Closer
}

/** An absolute, normalised path: `resolvePath('/root', '../etc/./hosts')` is `/etc/hosts`. */
export function resolvePath(cwd: string, path: string): string {
  const parts: string[] = []
  for (const part of (path.startsWith('/') ? path : `${cwd}/${path}`).split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') parts.pop()
    else parts.push(part)
  }
  return `/${parts.join('/')}`
}
