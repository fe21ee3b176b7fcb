import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import type { ByteSource } from '../../simulator/streams.ts'
import { filters } from '../filters/catalogue.ts'
import { Host } from '../testing/host.ts'
import { shells } from '../testing/shells.ts'
import { endOfArchive, type Member, readArchive, writeMember } from './archive.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const folder = mkdtempSync(join(tmpdir(), 'faultline-tar-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function host(files: Record<string, string> = {}, commands = {}) {
  return new Host({ commands: { ...filters, ...shells, ...commands }, files, turn })
}

function archiveOf(members: readonly Omit<Member, 'target'>[]): Uint8Array {
  const parts = members.flatMap((member) => [...writeMember(member)])
  const size = parts.reduce((sum, part) => sum + part.length, 0)
  return new Uint8Array(Buffer.concat([...parts, endOfArchive(size)]))
}

function inPieces(bytes: Uint8Array, sizes: readonly number[]): ByteSource {
  let at = 0
  let next = 0
  return {
    async read() {
      if (at >= bytes.length) return undefined
      const piece = bytes.subarray(at, at + sizes[next++ % sizes.length]!)
      at += piece.length
      return piece
    },
  }
}

const word = fc.stringMatching(/^[a-zA-Z0-9_.]{1,40}$/).filter((text) => !/^\.+$/.test(text))
const member = fc.record({
  name: fc.array(word, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/')),
  kind: fc.constantFrom('file' as const, 'directory' as const),
  mode: fc.integer({ min: 0, max: 0o777 }),
  modified: fc.integer({ min: 0, max: 2_000_000_000 }).map((seconds) => seconds * 1000),
  content: fc.uint8Array({ maxLength: 2000 }),
})

describe('archives', () => {
  test('come back as they were written, however they arrive', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(member, { maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1 }),
        async (drawn, sizes) => {
          const members = drawn.map((one) => (one.kind === 'directory' ? { ...one, content: new Uint8Array() } : one))
          const read: Member[] = []
          for await (const one of readArchive(inPieces(archiveOf(members), sizes), new AbortController().signal)) read.push(one)
          expect(read).toEqual(members.map((one) => ({ ...one, target: '', name: one.kind === 'directory' ? `${one.name}/` : one.name })))
        },
      ),
    )
  })

  test('are read by the real tar, and the real one is read here', async () => {
    const name = `${'deep/'.repeat(30)}file`
    const written = archiveOf([{ name, kind: 'file', mode: 0o640, modified: 1_700_000_000_000, content: new Uint8Array([1, 2, 3]) }])
    writeFileSync(join(folder, 'ours.tar'), written)
    mkdirSync(join(folder, 'out'))
    const unpacked = spawnSync('tar', ['xf', 'ours.tar', '-C', 'out'], { cwd: folder, encoding: 'utf8' })
    expect(unpacked.stderr).toBe('')
    expect([...readFileSync(join(folder, 'out', name))]).toEqual([1, 2, 3])
    for (const format of ['gnu', 'pax', 'ustar', 'v7']) {
      const packed = spawnSync(
        'tar',
        ['cf', '-', `--format=${format}`, '-C', 'out/deep', '.'].map((one) =>
          format === 'v7' && one === 'out/deep' ? 'out/deep/deep/deep/deep/deep/deep/deep/deep/deep/deep/deep/deep/deep/deep/deep' : one,
        ),
        {
          cwd: folder,
        },
      )
      const files: Member[] = []
      for await (const one of readArchive(inPieces(new Uint8Array(packed.stdout), [1000]), new AbortController().signal)) files.push(one)
      const last = files.at(-1)!
      expect([format, last.name.endsWith('deep/file'), [...last.content], last.mode, last.modified]).toEqual([
        format,
        true,
        [1, 2, 3],
        0o640,
        1_700_000_000_000,
      ])
    }
  })

  test('that are none, or cut short, are told', async () => {
    const read = async (bytes: Uint8Array) => {
      for await (const _ of readArchive(inPieces(bytes, [100]), new AbortController().signal));
    }
    await expect(read(new Uint8Array(1024).fill(65))).rejects.toThrow('This does not look like a tar archive')
    const whole = archiveOf([{ name: 'a', kind: 'file', mode: 0o644, modified: 0, content: new Uint8Array(600) }])
    await expect(read(whole.subarray(0, 900))).rejects.toThrow('Unexpected EOF in archive')
  })
})

/** Scripts that GNU tar and ours must answer alike. */
const alike = [
  'mkdir -p d/e; echo one > d/a; echo two > d/e/b; tar cf x.tar d; tar tf x.tar | sort; rm -r d; tar xf x.tar; cat d/a d/e/b',
  'mkdir d; echo one > d/a; tar cf - d | tar tf -; tar cf - -C d a | tar xf - -O',
  'mkdir -p d out; echo one > d/a; chmod 750 d/a; tar cf - d/a | tar xmf - -C out; cat out/d/a; stat -c %a out/d/a',
  'mkdir d; echo one > d/a; tar -czf x.tgz d; tar -tzf x.tgz; tar -xzvf x.tgz',
  'mkdir -p d; echo 1 > d/a; echo 2 > d/b; tar cf x.tar --exclude=b d; tar tf x.tar',
  'mkdir -p p/q; echo 1 > p/q/f; tar cf x.tar p; mkdir o; tar xf x.tar -C o --strip-components=1; find o | sort',
  'tar cf x.tar nothere; echo $?; tar xf nothere.tar; echo $?; tar xf - -C /nothere < /dev/null; echo $?',
  'echo nonsense > x; tar xf x; echo $?',
  'tar cf x.tar; echo $?',
  'echo 1 > a; tar cf x.tar a; tar xf x.tar b; echo $?',
  'mkdir -p empty; tar cf x.tar empty; rmdir empty; tar -xvf x.tar; ls',
]

describe('as GNU tar', () => {
  test.each(alike)('%s', async (script) => {
    const real = mkdtempSync(join(folder, 'case-'))
    const there = spawnSync('bash', ['--norc', '-c', script], {
      cwd: real,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    })
    const here = await host().run(['bash', '-c', script])
    expect({ out: here.stdout, err: here.stderr }).toEqual({ out: there.stdout, err: there.stderr })
  })
})

test("speaks busybox's words where busybox is", async () => {
  const inBusybox = host({ '/bin/busybox': '' })
  const { stderr, status } = await inBusybox.run(['bash', '-c', 'tar cf - nothere /etc > x.tar; tar xf - -C /nothere < x.tar'])
  expect(stderr).toBe(
    "tar: nothere: No such file or directory\ntar: removing leading '/' from member names\ntar: error exit delayed from previous errors\ntar: can't change directory to '/nothere': No such file or directory\n",
  )
  expect(status).toBe(1)
})
