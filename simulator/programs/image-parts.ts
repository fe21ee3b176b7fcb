import { busyboxNetTools } from './net-tools.ts'
import type { Command, Image, Program } from './process.ts'
import { muslLoader } from './resolver/configuration.ts'

export type Tools = Readonly<Record<string, Command>>

/** The named tools under a folder; a name that nobody handed in is left out. */
export function inFolder(folder: string, tools: Readonly<Record<string, Program>>, names: readonly string[] = Object.keys(tools)) {
  const placed: Record<string, Program> = {}
  for (const name of names) {
    const tool = tools[name]
    if (tool) placed[`${folder}/${name}`] = tool
  }
  return placed
}

/** Tags `1.2`, `1.2.3`, … of the given versions, each with the suffixes that the repository has. */
export function tagsOf(versions: readonly string[], suffixes: readonly string[] = ['']): (tag: string) => boolean {
  const known = new Set(versions.flatMap((version) => suffixes.map((suffix) => `${version}${suffix}`)))
  return (tag) => known.has(tag)
}

const passwd = 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n'
const group = 'root:x:0:\nnobody:x:65534:\n'

/** Files of an Alpine root file system that people and resolvers look at. */
export function alpineFiles(version = '3.22.2'): Record<string, string> {
  const line = version.split('.').slice(0, 2).join('.')
  return {
    '/etc/os-release': `NAME="Alpine Linux"\nID=alpine\nVERSION_ID=${version}\nPRETTY_NAME="Alpine Linux v${line}"\nHOME_URL="https://alpinelinux.org/"\n`,
    '/etc/alpine-release': `${version}\n`,
    '/etc/passwd': passwd,
    '/etc/group': group,
    [muslLoader]: '',
  }
}

/** Files of a Debian root file system that people look at. */
export function debianFiles(): Record<string, string> {
  return {
    '/etc/os-release':
      'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION="12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\nHOME_URL="https://www.debian.org/"\n',
    '/etc/debian_version': '12.12\n',
    '/etc/passwd': passwd.replace('/bin/sh', '/bin/bash'),
    '/etc/group': group,
  }
}

/** What every GNU/Linux userland has of the handed-in tools. */
export const coreutils = [
  '[',
  'base64',
  'basename',
  'cat',
  'chmod',
  'chroot',
  'cp',
  'cut',
  'date',
  'dirname',
  'echo',
  'env',
  'false',
  'head',
  'hostname',
  'id',
  'ln',
  'ls',
  'mkdir',
  'mv',
  'nl',
  'paste',
  'printenv',
  'printf',
  'readlink',
  'realpath',
  'rm',
  'rmdir',
  'seq',
  'sleep',
  'sort',
  'stat',
  'tac',
  'tail',
  'tee',
  'test',
  'timeout',
  'touch',
  'tr',
  'true',
  'uname',
  'uniq',
  'wc',
  'which',
  'whoami',
  'yes',
  'grep',
  'egrep',
  'fgrep',
  'sed',
  'find',
  'xargs',
  'diff',
  'awk',
]

/** What busybox has of them as applets. */
export const applets = [
  ...coreutils,
  'tar',
  'sh',
  'ash',
  'vi',
  'less',
  'more',
  'watch',
  'rev',
  'clear',
  'reset',
  'uptime',
  'column',
  'kill',
  'ps',
  'free',
  'df',
  'du',
  'dmesg',
]

/** A repository's two images of one release: Debian bookworm, and Alpine under `-alpine` tags. `own` is what the release itself brings. */
export function debianAndAlpine(release: {
  readonly tags: readonly string[]
  readonly tools: Tools
  readonly common: Omit<Image, 'tags' | 'files' | 'executables'>
  readonly own: Readonly<Record<string, Program>>
}): Image[] {
  const { tags, tools, common, own } = release
  const alpineTags = tags.map((tag) => (tag === 'latest' ? 'alpine' : `${tag}-alpine`))
  return [
    {
      ...common,
      tags: tagsOf(tags, ['', '-bookworm']),
      files: debianFiles(),
      executables: {
        ...inFolder('/usr/bin', tools, [...coreutils, 'tar', 'sh', 'bash']),
        ...inFolder('/bin', tools, ['sh', 'bash']),
        ...own,
      },
    },
    {
      ...common,
      tags: tagsOf(alpineTags),
      files: alpineFiles(),
      executables: { ...inFolder('/bin', { ...tools, ...busyboxNetTools }, [...applets, ...Object.keys(busyboxNetTools)]), ...own },
    },
  ]
}
