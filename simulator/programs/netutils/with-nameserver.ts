import type { FileSystem } from '../../files.ts'
import { MemoryFiles } from '../../memory-files.ts'

/** The same files with another nameserver in `/etc/resolv.conf`: what a program that sets its resolver's server asks by. */
export function withNameserver(files: FileSystem, address: string, now: () => number): FileSystem {
  const path = '/etc/resolv.conf'
  const others = (files.exists(path) ? files.readText(path) : '').split('\n').filter((line) => !/^\s*nameserver\s/.test(line))
  const own = new MemoryFiles({ now })
  own.write('/resolv.conf', `nameserver ${address}\n${others.join('\n')}`)
  const seen = new MemoryFiles({ now })
  seen.mount('/', files)
  seen.mount(path, own, { source: '/resolv.conf' })
  return seen
}
