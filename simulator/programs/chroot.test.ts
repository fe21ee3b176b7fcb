import { expect, test } from 'vitest'
import { chroot, chrootBusybox } from './chroot.ts'
import type { Command } from './process.ts'
import { executable } from './process.ts'
import { stage } from './testing/stage.ts'

const show: Command = {
  kind: 'command',
  id: 'test/show',
  async run(process) {
    const { files, cwd, argv } = process
    files.write('/etc/seen', 'yes')
    await process.stdout.write(`${files.readText('/etc/hostname').trim()} ${cwd} ${argv.slice(1).join(' ')}\n`)
    return 7
  },
}

function debugPod() {
  const staged = stage()
  const files = staged.files('busybox', { '/etc/hostname': 'pod\n', '/host/etc/hostname': 'node\n' })
  files.makeDirectory('/host/usr/bin', { parents: true })
  files.write('/host/usr/bin/show', executable(show))
  files.setMode('/host/usr/bin/show', 0o755)
  return { files, run: (line: string, program: Command) => staged.run(line, { files, programs: { chroot: program, show } }) }
}

test('what it starts sees the other root, and leaves its files there', async () => {
  const { files, run } = debugPod()
  expect(await run('chroot /host show a b', chrootBusybox)).toMatchObject({ code: 7, out: 'node / a b\n', err: '' })
  expect(files.readText('/host/etc/seen')).toBe('yes')
  expect(files.exists('/etc/seen')).toBe(false)
  expect(await run('show', chroot)).toMatchObject({ out: 'pod / \n' })
})

test('says what is not there, each in its own words', async () => {
  const { run } = debugPod()
  expect(await run('chroot /nowhere', chroot)).toMatchObject({
    code: 125,
    err: "chroot: cannot change root directory to '/nowhere': No such file or directory\n",
  })
  expect(await run('chroot /nowhere', chrootBusybox)).toMatchObject({
    code: 1,
    err: "chroot: can't change root directory to '/nowhere': No such file or directory\n",
  })
  expect(await run('chroot /host ip a', chroot)).toMatchObject({
    code: 127,
    err: "chroot: failed to run command 'ip': No such file or directory\n",
  })
  expect(await run('chroot /host', chrootBusybox)).toMatchObject({
    code: 127,
    err: "chroot: can't execute '/bin/sh': No such file or directory\n",
  })
  expect(await run('chroot', chroot)).toMatchObject({ code: 125 })
})
