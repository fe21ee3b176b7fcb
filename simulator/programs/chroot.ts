import { type FileSystem, resolvePath } from '../files.ts'
import type { Command, Process } from './process.ts'

/** How the two of them word what goes wrong, and with which codes they end. */
interface Wording {
  readonly missing: string
  readonly unreachable: (root: string, why: string) => string
  readonly failed: number
  readonly notRun: (name: string) => string
}

/** `chroot` of GNU coreutils (src/chroot.c): what debugging a node begins with, `chroot /host`. */
export const chroot = inAnotherRoot('coreutils/chroot', {
  missing: "chroot: missing operand\nTry 'chroot --help' for more information.\n",
  unreachable: (root, why) => `chroot: cannot change root directory to '${root}': ${why}\n`,
  failed: 125,
  notRun: (name) => `chroot: failed to run command '${name}': No such file or directory\n`,
})

/** The same of busybox (coreutils/chroot.c). */
export const chrootBusybox = inAnotherRoot('busybox/chroot', {
  missing: 'BusyBox v1.36.1 multi-call binary.\n\nUsage: chroot NEWROOT [PROG ARGS]\n\nRun PROG with root directory set to NEWROOT\n',
  unreachable: (root, why) => `chroot: can't change root directory to '${root}': ${why}\n`,
  failed: 1,
  notRun: (name) => `chroot: can't execute '${name}': No such file or directory\n`,
})

function inAnotherRoot(id: string, wording: Wording): Command {
  return {
    kind: 'command',
    id,
    async run(process) {
      const [newRoot, ...words] = process.argv.slice(1)
      const end = async (code: number, text: string) => {
        await process.stderr.write(text)
        return code
      }
      if (newRoot === undefined) return end(wording.failed, wording.missing)
      if (newRoot.startsWith('-')) return end(wording.failed, `chroot: the simulated chroot does not model ${newRoot}\n`)
      const root = resolvePath(process.cwd, newRoot)
      const why = unreachable(process.files, root)
      if (why !== undefined) return end(wording.failed, wording.unreachable(newRoot, why))
      const argv = words.length > 0 ? words : [process.env.SHELL ?? '/bin/sh', '-i']
      return (await within(process, root, argv)) ?? end(127, wording.notRun(argv[0] as string))
    },
  }
}

function unreachable(files: FileSystem, root: string): string | undefined {
  if (!files.exists(root)) return 'No such file or directory'
  return files.stat(root).directory ? undefined : 'Not a directory'
}

/** The exit code; undefined where the program does not exist there. It takes chroot's own place, so that signals are its. */
async function within(process: Process, root: string, argv: readonly string[]): Promise<number | undefined> {
  const child = process.spawn(argv, { root, cwd: '/' })
  if (!child) return undefined
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.catches?.add(signal)
  process.signal.addEventListener('abort', () => child.kill(process.signal.reason?.signal ?? 'SIGTERM'), { once: true })
  return child.exit
}
