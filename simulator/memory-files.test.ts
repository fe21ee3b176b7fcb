import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FileError } from './files.ts'
import { emptyTree, fileTree, MemoryFiles } from './memory-files.ts'

const image = fileTree({ '/bin/sh': { content: 'sh', mode: 0o755 }, '/etc/passwd': { content: 'root\n' } }, 1000)
const filesOf = (options: { readOnly?: boolean } = {}) => new MemoryFiles({ now: () => 5000, base: image, ...options })

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof FileError) return error.code
    throw error
  }
  return 'none'
}

describe('files in memory', () => {
  test('two containers of one image do not see each other', () => {
    const [a, b] = [filesOf(), filesOf()]
    a.write('/etc/motd', 'hello')
    a.remove('/bin/sh')
    expect(b.exists('/etc/motd')).toBe(false)
    expect(b.readText('/bin/sh')).toBe('sh')
    expect(a.list('/').map((file) => file.name)).toEqual(['bin', 'etc'])
    expect(a.stat('/etc/motd')).toMatchObject({ name: 'motd', size: 5, mode: 0o644, modified: 5000 })
  })

  test('refusals carry their errno', () => {
    const files = filesOf()
    expect(codeOf(() => files.readText('/nowhere'))).toBe('ENOENT')
    expect(codeOf(() => files.write('/nowhere/file', ''))).toBe('ENOENT')
    expect(codeOf(() => files.readText('/etc'))).toBe('EISDIR')
    expect(codeOf(() => files.readText('/etc/passwd/x'))).toBe('ENOTDIR')
    expect(codeOf(() => files.remove('/etc'))).toBe('ENOTEMPTY')
    expect(codeOf(() => files.makeDirectory('/etc'))).toBe('EEXIST')
    expect(codeOf(() => filesOf({ readOnly: true }).write('/etc/motd', ''))).toBe('EROFS')
    expect(files.exists('/etc/passwd/x')).toBe(false)
  })

  test('mounts cover what is below them, directories and single files', () => {
    const volume = new MemoryFiles({ now: () => 1, base: fileTree({ '/Corefile': { content: '.:53' } }, 1) })
    const files = filesOf()
    files.mount('/etc/coredns', volume, { readOnly: true })
    files.mount('/etc/app.conf', volume, { source: '/Corefile' })
    expect(files.readText('/etc/coredns/Corefile')).toBe('.:53')
    expect(files.list('/etc').map((file) => [file.name, file.directory])).toEqual([
      ['app.conf', false],
      ['coredns', true],
      ['passwd', false],
    ])
    expect(codeOf(() => files.write('/etc/coredns/Corefile', ''))).toBe('EROFS')
    files.write('/etc/app.conf', 'changed')
    expect(volume.readText('/Corefile')).toBe('changed')
    expect(codeOf(() => files.remove('/etc/app.conf'))).toBe('EACCES')
    expect(files.snapshot()['/etc/app.conf']).toMatchObject({ text: '' })
  })

  test('a watch hears writes below its path and of its parents only', () => {
    const files = filesOf()
    const heard: string[] = []
    files.makeDirectory('/etc/cni/net.d', { parents: true })
    const watch = files.watch('/etc/cni/net.d', (path) => heard.push(path))
    files.write('/etc/cni/net.d/10-x.conflist', '{}')
    files.write('/etc/hosts', '')
    files.remove('/etc/cni', { recursive: true })
    watch.close()
    files.makeDirectory('/etc/cni')
    expect(heard).toEqual(['/etc/cni/net.d/10-x.conflist', '/etc/cni'])
  })

  test('a watch within a mount hears of the file system that stands there, by its own path', () => {
    const files = filesOf()
    const volume = new MemoryFiles({ now: () => 1 })
    files.mount('/etc/app', volume)
    const heard: string[] = []
    const watch = files.watch('/etc/app/config', (path) => heard.push(path))
    volume.write('/config', 'a')
    volume.write('/other', 'b')
    volume.replace(emptyTree)
    watch.close()
    volume.write('/config', 'c')
    expect(heard).toEqual(['/etc/app/config', '/etc/app/config'])
  })

  test('forks share the tree that changes made over one base', () => {
    const base = filesOf()
    base.write('/etc/app.conf', 'a')
    const changes = base.snapshot()
    const again = () => new MemoryFiles({ now: () => 1, base: image, changes })
    expect(again().tree).toBe(again().tree)
    const other = new MemoryFiles({ now: () => 1, base: emptyTree, changes })
    expect(other.exists('/bin/sh')).toBe(false)
    expect(other.readText('/etc/app.conf')).toBe('a')
  })

  test('rename moves across a mount by copy', () => {
    const files = filesOf()
    files.mount('/data', new MemoryFiles({ now: () => 1 }))
    files.rename('/etc/passwd', '/data/passwd')
    expect(files.exists('/etc/passwd')).toBe(false)
    expect(files.readText('/data/passwd')).toBe('root\n')
  })

  test('law: a snapshot is JSON and restores to the same tree, whatever was done', () => {
    const path = fc.constantFrom('/etc', '/etc/passwd', '/bin/sh', '/a', '/a/b', '/a/b/c', '/bin')
    const step = fc.oneof(
      fc.record({ write: path, text: fc.string() }),
      fc.record({ bytes: path, content: fc.uint8Array({ maxLength: 5 }) }),
      fc.record({ remove: path }),
      fc.record({ directory: path }),
      fc.record({ rename: path, to: path }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let now = 2000
        const files = new MemoryFiles({ now: () => now++, base: image })
        for (const one of steps) {
          try {
            if ('write' in one) files.write(one.write, one.text)
            else if ('bytes' in one) files.append(one.bytes, one.content)
            else if ('remove' in one) files.remove(one.remove, { recursive: true })
            else if ('directory' in one) files.makeDirectory(one.directory, { parents: true })
            else files.rename(one.rename, one.to)
          } catch (error) {
            if (!(error instanceof FileError)) throw error
          }
        }
        const restored = new MemoryFiles({ now: () => 0, base: image, changes: JSON.parse(JSON.stringify(files.snapshot())) })
        expect(walk(restored)).toEqual(walk(files))
      }),
      { numRuns: 150 },
    )
  })
})

function walk(files: MemoryFiles, path = ''): unknown[] {
  return files.list(path || '/').map((file) => {
    const at = `${path}/${file.name}`
    return [file, file.directory ? walk(files, at) : [...files.read(at)]]
  })
}
