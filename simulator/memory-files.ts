import { decodeBase64, encodeBase64 } from './base64.ts'
import type { Closer } from './clock.ts'
import { FileError, type FileInfo, type FileSystem, resolvePath } from './files.ts'

/** Trees are immutable: a write makes new nodes along its path and shares the rest, so images and forks cost nothing. */
interface FileNode {
  readonly content: Uint8Array | string
  readonly mode: number
  readonly modified: number
}
interface DirectoryNode {
  readonly entries: ReadonlyMap<string, TreeNode>
  readonly mode: number
  readonly modified: number
}
type TreeNode = FileNode | DirectoryNode

/** An immutable tree of files: an image's layers, or a moment of a `MemoryFiles`. */
export type FileTree = DirectoryNode

/** What a file system holds beyond its base tree, by absolute path; null is a removal. JSON. */
export type FilesSnapshot = Record<string, ChangedFile | null>
interface ChangedFile {
  readonly text?: string
  /** Where the content is no text. */
  readonly base64?: string
  readonly mode: number
  readonly modified: number
}

interface Mount {
  readonly path: string
  readonly files: FileSystem
  /** The directory or file of `files` that stands at `path`. */
  readonly source: string
  readonly readOnly: boolean
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const directoryMode = 0o755
const fileMode = 0o644

/**
 * What changes came to over a base. Forks share their template's changes, so they share the tree as well, in memory and in the making;
 * a snapshot's changes are never changed.
 */
const applied = new WeakMap<FilesSnapshot, { readonly base: FileTree; readonly tree: FileTree }>()

export const emptyTree: FileTree = { entries: new Map(), mode: directoryMode, modified: 0 }

/** A tree of text files by absolute path. `modified` is ms since the epoch. */
export function fileTree(files: Readonly<Record<string, { content: string; mode?: number }>>, modified: number): FileTree {
  let tree: FileTree = { ...emptyTree, modified }
  for (const [path, { content, mode }] of Object.entries(files)) {
    tree = put(tree, segments(path), 0, { content, mode: mode ?? fileMode, modified }, modified, true)
  }
  return tree
}

/**
 * Files in memory: a base tree that is shared and never changed, what was written since, and mounts.
 * Ownership and permissions are not enforced (everything runs as root), symbolic links are not modelled.
 */
export class MemoryFiles implements FileSystem {
  readonly #now: () => number
  readonly #base: FileTree
  readonly #readOnly: boolean
  #root: FileTree
  /** Longest path first. */
  #mounts: Mount[] = []
  #watches = new Set<{ path: string; changed: (path: string) => void }>()

  constructor(options: { now: () => number; base?: FileTree; readOnly?: boolean; changes?: FilesSnapshot }) {
    this.#now = options.now
    this.#base = options.base ?? emptyTree
    this.#readOnly = options.readOnly ?? false
    this.#root = this.#base
    if (options.changes) this.#apply(options.changes)
  }

  /** This moment's files, without mounts. */
  get tree(): FileTree {
    return this.#root
  }

  /** Replaces everything at once, as the kubelet's swap of a volume's `..data` link does. */
  replace(tree: FileTree): void {
    this.#root = tree
    this.#changed('/')
  }

  /** Binds `source` of another file system to `path`; creates the mount point as a container runtime does. */
  mount(path: string, files: FileSystem, options: { source?: string; readOnly?: boolean } = {}): void {
    const at = normalise(path)
    const source = resolvePath('/', options.source ?? '/')
    const parts = segments(at)
    if (parts.length > 0 && !this.#reaches(at)) {
      const modified = this.#now()
      const point: TreeNode = files.stat(source).directory ? { ...emptyTree, modified } : { content: '', mode: fileMode, modified }
      this.#root = put(this.#root, parts, 0, point, modified, true)
    }
    this.#mounts = [...this.#mounts.filter((mount) => mount.path !== at), { path: at, files, source, readOnly: options.readOnly ?? false }]
    this.#mounts.sort((a, b) => b.path.length - a.path.length)
  }

  /** A path that is within a mount now is followed there, so what is mounted later at or below `path` is not seen. */
  watch(path: string, changed: (path: string) => void): Closer {
    const mount = this.#mounted(path)
    // Where another file system stands, a write has another path: what is said is what was asked for.
    if (mount) return mount.files.watch(mount.path, () => changed(normalise(path)))
    const watch = { path: normalise(path), changed }
    this.#watches.add(watch)
    return { close: () => this.#watches.delete(watch) }
  }

  read(path: string): Uint8Array {
    const mount = this.#mounted(path)
    if (mount) return mount.files.read(mount.path)
    const { content } = this.#file(path)
    return typeof content === 'string' ? encoder.encode(content) : content
  }

  readText(path: string): string {
    const mount = this.#mounted(path)
    if (mount) return mount.files.readText(mount.path)
    const { content } = this.#file(path)
    return typeof content === 'string' ? content : decoder.decode(content)
  }

  write(path: string, content: Uint8Array | string): void {
    const mount = this.#writable(path)
    if (mount) {
      mount.files.write(mount.path, content)
      return
    }
    const existing = this.#find(path)
    if (existing && isDirectory(existing)) throw new FileError('EISDIR', path)
    const kept = typeof content === 'string' ? content : content.slice()
    this.#put(path, { content: kept, mode: existing?.mode ?? fileMode, modified: this.#now() })
  }

  append(path: string, content: Uint8Array | string): void {
    const mount = this.#writable(path)
    if (mount) {
      mount.files.append(mount.path, content)
      return
    }
    const existing = this.#find(path)
    if (!existing || isDirectory(existing)) this.write(path, content)
    else if (typeof existing.content === 'string' && typeof content === 'string') this.write(path, existing.content + content)
    else this.write(path, joined(this.read(path), typeof content === 'string' ? encoder.encode(content) : content))
  }

  exists(path: string): boolean {
    const mount = this.#mounted(path)
    return mount ? mount.files.exists(mount.path) : this.#reaches(path)
  }

  stat(path: string): FileInfo {
    const normal = normalise(path)
    const name = normal.slice(normal.lastIndexOf('/') + 1)
    const mount = this.#mounted(path)
    if (mount) return { ...mount.files.stat(mount.path), name }
    return info(name, this.#node(path))
  }

  list(path: string): FileInfo[] {
    const normal = normalise(path)
    const mount = this.#mounted(path)
    const listed = mount ? mount.files.list(mount.path) : this.#listOwn(path)
    const below = normal === '/' ? '/' : `${normal}/`
    const points = this.#mounts.filter((point) => point.path.startsWith(below) && !point.path.slice(below.length).includes('/'))
    if (points.length === 0) return listed
    const byName = new Map(listed.map((file) => [file.name, file]))
    for (const point of points) {
      const name = point.path.slice(below.length)
      if (name !== '') byName.set(name, { ...point.files.stat(point.source), name })
    }
    return [...byName.values()].sort(byNameOrder)
  }

  makeDirectory(path: string, options: { parents?: boolean } = {}): void {
    const mount = this.#mounted(path)
    if (mount) {
      if (mount.readOnly && !mount.files.exists(mount.path)) throw new FileError('EROFS', path)
      mount.files.makeDirectory(mount.path, options)
      return
    }
    const existing = this.#find(path)
    if (existing) {
      if (options.parents && isDirectory(existing)) return
      throw new FileError('EEXIST', path)
    }
    this.#refuseReadOnly(path)
    this.#put(path, { ...emptyTree, modified: this.#now() }, options.parents)
  }

  remove(path: string, options: { recursive?: boolean } = {}): void {
    const mount = this.#writable(path)
    if (mount) {
      // A mount point itself is busy; the nearest errno of the contract.
      if (mount.point) throw new FileError('EACCES', path)
      mount.files.remove(mount.path, options)
      return
    }
    const node = this.#node(path)
    if (isDirectory(node) && !options.recursive && node.entries.size > 0) throw new FileError('ENOTEMPTY', path)
    this.#put(path, undefined)
  }

  rename(from: string, to: string): void {
    const source = this.#writable(from)
    const target = this.#writable(to)
    if (source?.point || target?.point) throw new FileError('EACCES', source?.point ? from : to)
    if (source && target && source.files === target.files) source.files.rename(source.path, target.path)
    else if (source || target) moveBetween(this, from, to)
    else this.#renameOwn(from, to)
  }

  #renameOwn(from: string, to: string): void {
    const node = this.#node(from)
    const existing = this.#find(to)
    if (resolvePath('/', from) === resolvePath('/', to)) return
    if (isWithin(resolvePath('/', to), resolvePath('/', from))) throw new FileError('EACCES', to)
    if (existing) {
      if (isDirectory(existing) && !isDirectory(node)) throw new FileError('EISDIR', to)
      if (!isDirectory(existing) && isDirectory(node)) throw new FileError('ENOTDIR', to)
      if (isDirectory(existing) && existing.entries.size > 0) throw new FileError('ENOTEMPTY', to)
    }
    this.#put(to, node)
    this.#put(from, undefined)
  }

  setMode(path: string, mode: number): void {
    const mount = this.#writable(path)
    if (mount) mount.files.setMode(mount.path, mode)
    else this.#put(path, { ...this.#node(path), mode })
  }

  /** What differs from the base tree; mounts are their owner's to make again. */
  snapshot(): FilesSnapshot {
    const changes: FilesSnapshot = {}
    difference(this.#base, this.#root, '', changes)
    return changes
  }

  #apply(changes: FilesSnapshot): void {
    const known = applied.get(changes)
    if (known?.base === this.#base) {
      this.#root = known.tree
      return
    }
    for (const [path, change] of Object.entries(changes)) {
      const parts = segments(path)
      if (change === null) this.#root = put(this.#root, parts, 0, undefined, undefined, true)
      else {
        const { mode, modified } = change
        const content = change.text ?? (change.base64 === undefined ? undefined : (decodeBase64(change.base64) ?? new Uint8Array(0)))
        const previous = findNode(this.#root, parts)
        const entries = previous && isDirectory(previous) ? previous.entries : emptyTree.entries
        const node: TreeNode = content === undefined ? { entries, mode, modified } : { content, mode, modified }
        this.#root = parts.length === 0 && isDirectory(node) ? node : put(this.#root, parts, 0, node, undefined, true)
      }
    }
    applied.set(changes, { base: this.#base, tree: this.#root })
  }

  #put(path: string, node: TreeNode | undefined, parents = false): void {
    this.#refuseReadOnly(path)
    const parts = segments(path)
    if (parts.length === 0) {
      if (node && isDirectory(node)) this.#root = node
      else throw new FileError('EISDIR', path)
    } else {
      this.#root = put(this.#root, parts, 0, node, this.#now(), parents, path)
    }
    this.#changed(normalise(path))
  }

  #changed(path: string): void {
    for (const watch of [...this.#watches]) {
      if (isWithin(path, watch.path) || isWithin(watch.path, path)) watch.changed(path)
    }
  }

  #refuseReadOnly(path: string): void {
    if (this.#readOnly) throw new FileError('EROFS', path)
  }

  #mounted(path: string): { files: FileSystem; path: string; readOnly: boolean; point: boolean } | undefined {
    if (this.#mounts.length === 0) return undefined
    const normal = normalise(path)
    for (const mount of this.#mounts) {
      if (!isWithin(normal, mount.path)) continue
      const rest = mount.path === '/' ? normal : normal.slice(mount.path.length)
      return {
        files: mount.files,
        path: resolvePath('/', `${mount.source}${rest}`),
        readOnly: mount.readOnly,
        point: normal === mount.path,
      }
    }
    return undefined
  }

  #writable(path: string) {
    const mount = this.#mounted(path)
    if (mount?.readOnly) throw new FileError('EROFS', path)
    if (!mount) this.#refuseReadOnly(path)
    return mount
  }

  #find(path: string): TreeNode | undefined {
    return findNode(this.#root, segments(path), path)
  }

  #reaches(path: string): boolean {
    return findNode(this.#root, segments(path)) !== undefined
  }

  #node(path: string): TreeNode {
    const node = this.#find(path)
    if (!node) throw new FileError('ENOENT', path)
    return node
  }

  #file(path: string): FileNode {
    const node = this.#node(path)
    if (isDirectory(node)) throw new FileError('EISDIR', path)
    return node
  }

  #listOwn(path: string): FileInfo[] {
    const node = this.#node(path)
    if (!isDirectory(node)) throw new FileError('ENOTDIR', path)
    return [...node.entries].map(([name, entry]) => info(name, entry)).sort(byNameOrder)
  }
}

function isDirectory(node: TreeNode): node is DirectoryNode {
  return 'entries' in node
}

/** `resolvePath`, without the work for the many paths that are in their normal form already. */
function normalise(path: string): string {
  const normal = path.charCodeAt(0) === 47 && !path.includes('/.') && !path.includes('//') && (path.length === 1 || !path.endsWith('/'))
  return normal ? path : resolvePath('/', path)
}

function segments(path: string): string[] {
  const normal = normalise(path)
  return normal === '/' ? [] : normal.slice(1).split('/')
}

function isWithin(path: string, directory: string): boolean {
  return directory === '/' || path === directory || (path.startsWith(directory) && path[directory.length] === '/')
}

function byNameOrder(a: FileInfo, b: FileInfo): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0
}

function info(name: string, node: TreeNode): FileInfo {
  const { mode, modified } = node
  if (isDirectory(node)) return { name, directory: true, size: 4096, mode, modified }
  const size = typeof node.content === 'string' ? utf8Length(node.content) : node.content.length
  return { name, directory: false, size, mode, modified }
}

function utf8Length(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return encoder.encode(text).length
  return text.length
}

/** `path`, when given, makes a file in the middle of it an ENOTDIR; without it the answer is just "not there". */
function findNode(root: DirectoryNode, parts: readonly string[], path?: string): TreeNode | undefined {
  let node: TreeNode | undefined = root
  for (const part of parts) {
    if (!node) return undefined
    if (!isDirectory(node)) {
      if (path === undefined) return undefined
      throw new FileError('ENOTDIR', path)
    }
    node = node.entries.get(part)
  }
  return node
}

/** A directory like `directory` in which `node` stands at `parts` (undefined: nothing does). `touched` is the new mtime of its parent. */
function put(
  directory: DirectoryNode,
  parts: readonly string[],
  index: number,
  node: TreeNode | undefined,
  touched: number | undefined,
  parents: boolean,
  path = `/${parts.join('/')}`,
): DirectoryNode {
  const name = parts[index] as string
  const entries = new Map(directory.entries)
  if (index === parts.length - 1) {
    if (node) entries.set(name, node)
    else entries.delete(name)
    return { entries, mode: directory.mode, modified: touched ?? directory.modified }
  }
  const child = directory.entries.get(name)
  if (child && !isDirectory(child)) throw new FileError('ENOTDIR', path)
  if (!child && !parents) throw new FileError('ENOENT', path)
  const below = child ?? { ...emptyTree, modified: touched ?? 0 }
  entries.set(name, put(below, parts, index + 1, node, touched, parents, path))
  return { entries, mode: directory.mode, modified: directory.modified }
}

function difference(before: TreeNode | undefined, after: TreeNode, path: string, changes: FilesSnapshot): void {
  if (before === after) return
  const { mode, modified } = after
  if (!isDirectory(after)) {
    const { content } = after
    changes[path] = typeof content === 'string' ? { text: content, mode, modified } : { base64: encodedOnce(content), mode, modified }
    return
  }
  const base = before && isDirectory(before) ? before : undefined
  if (before && !base) changes[path] = null
  if (!base || base.mode !== mode || base.modified !== modified) changes[path === '' ? '/' : path] = { mode, modified }
  for (const [name, entry] of after.entries) difference(base?.entries.get(name), entry, `${path}/${name}`, changes)
  if (base) for (const name of base.entries.keys()) if (!after.entries.has(name)) changes[`${path}/${name}`] = null
}

function moveBetween(files: MemoryFiles, from: string, to: string): void {
  if (files.stat(from).directory) {
    files.makeDirectory(to, { parents: true })
    for (const { name } of files.list(from)) moveBetween(files, `${from}/${name}`, `${to}/${name}`)
    files.remove(from)
  } else {
    const { mode } = files.stat(from)
    files.write(to, files.read(from))
    files.setMode(to, mode)
    files.remove(from)
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

/** Contents never change, so each is encoded once, however many snapshots it is in. */
const encoded = new WeakMap<Uint8Array, string>()

function encodedOnce(bytes: Uint8Array): string {
  let text = encoded.get(bytes)
  if (text === undefined) encoded.set(bytes, (text = encodeBase64(bytes)))
  return text
}
