import type { Command } from '../process.ts'

/** The multi-call binary: `busybox ls` is `ls`. Its applets stand beside it as files of their own. */
export const busybox: Command = {
  kind: 'command',
  id: 'busybox/busybox',
  async run(process) {
    const [applet, ...rest] = process.argv.slice(1)
    const applets = process.files.exists('/bin') ? process.files.list('/bin').map(({ name }) => name) : []
    if (applet === undefined || applet === '--help') {
      await process.stdout.write(
        `BusyBox v1.36.1 multi-call binary.\n\nUsage: busybox [function [arguments]...]\n\nCurrently defined functions:\n\t${applets.join(', ')}\n`,
      )
      return 0
    }
    if (applet === '--list') {
      await process.stdout.write(applets.map((name) => `${name}\n`).join(''))
      return 0
    }
    const child = applets.includes(applet) ? process.spawn([applet, ...rest]) : undefined
    if (child) {
      process.signal.addEventListener('abort', () => child.kill(process.signal.reason?.signal ?? 'SIGTERM'), { once: true })
      return child.exit
    }
    await process.stderr.write(`${applet}: applet not found\n`)
    return 127
  },
}
