import { kill } from '../busybox/kill.ts'
import { ps } from '../busybox/ps.ts'
import { alpineFiles, inFolder, type Tools } from '../image-parts.ts'
import { netTools } from '../net-tools.ts'
import type { Command, Image } from '../process.ts'

/** The network trouble-shooter's Swiss knife, and the image of curl itself. */
export function netshootImages(tools: Tools): Image[] {
  const everything = inFolder('/usr/bin', { ...tools, ...netTools, kill, ps })
  return [
    {
      repositories: ['docker.io/nicolaka/netshoot', 'ghcr.io/nicolaka/netshoot'],
      tags: (tag) => /^(latest|v0\.1[1-4])$/.test(tag),
      cmd: ['zsh'],
      workingDir: '/root',
      files: alpineFiles(),
      // Its default shell is zsh, which is not modelled: bash stands in for it.
      executables: {
        ...everything,
        ...(tools.bash ? { '/bin/bash': tools.bash, '/bin/zsh': tools.bash } : {}),
        ...(tools.sh ? { '/bin/sh': tools.sh } : {}),
      },
    },
    {
      repositories: ['docker.io/curlimages/curl', 'quay.io/curl/curl'],
      tags: (tag) => tag === 'latest' || /^8\.(\d|1[0-7])\.\d$/.test(tag),
      entrypoint: ['/entrypoint.sh'],
      cmd: ['curl'],
      user: 'curl_user',
      files: alpineFiles(),
      executables: {
        ...inFolder('/bin', tools, [
          'sh',
          'cat',
          'ls',
          'echo',
          'sleep',
          'grep',
          'head',
          'tail',
          'env',
          'date',
          'hostname',
          'id',
          'test',
          '[',
        ]),
        '/usr/bin/curl': netTools.curl!,
        '/entrypoint.sh': curlEntrypoint,
      },
    },
  ]
}

/** Runs what it is given; bare options are curl's. */
const curlEntrypoint: Command = {
  kind: 'command',
  id: 'curlimages/entrypoint',
  async run(process) {
    const [first, ...rest] = process.argv.slice(1)
    const argv =
      first === undefined || first.startsWith('-') || first.includes('://') ? ['curl', ...process.argv.slice(1)] : [first, ...rest]
    const child = process.spawn(argv)
    if (!child) {
      await process.stderr.write(`/entrypoint.sh: exec: line 23: ${first}: not found\n`)
      return 127
    }
    const end = () => child.kill(process.signal.reason.signal ?? 'SIGTERM')
    process.signal.addEventListener('abort', end, { once: true })
    return child.exit
  },
}
