import { coreutils, debianFiles, inFolder, type Tools } from '../image-parts.ts'
import type { Image } from '../process.ts'

/** Bare distributions: what people give `kubectl debug node/…`. They have a shell and coreutils, and none of the network tools. */
export function debianImages(tools: Tools): Image[] {
  const executables = { ...inFolder('/usr/bin', tools, [...coreutils, 'tar', 'sh', 'bash']), ...inFolder('/bin', tools, ['sh', 'bash']) }
  return [
    {
      repositories: ['docker.io/library/ubuntu'],
      tags: (tag) => /^(latest|rolling|noble|jammy|2[24]\.04)$/.test(tag),
      cmd: ['/bin/bash'],
      files: { ...debianFiles(), '/etc/os-release': ubuntu },
      executables,
    },
    {
      repositories: ['docker.io/library/debian'],
      tags: (tag) => /^(latest|stable|stable-slim|bookworm|bookworm-slim|12|12-slim)$/.test(tag),
      cmd: ['bash'],
      files: debianFiles(),
      executables,
    },
  ]
}

const ubuntu =
  'PRETTY_NAME="Ubuntu 24.04.3 LTS"\nNAME="Ubuntu"\nVERSION_ID="24.04"\nVERSION="24.04.3 LTS (Noble Numbat)"\nVERSION_CODENAME=noble\nID=ubuntu\nID_LIKE=debian\nHOME_URL="https://www.ubuntu.com/"\n'
