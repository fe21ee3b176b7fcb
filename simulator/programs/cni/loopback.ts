import { upLoopback } from '../../network/network.ts'
import type { CniPlugin } from '../process.ts'

/** Brings `lo` up. Follows containernetworking/plugins' loopback. */
export const loopback: CniPlugin = {
  kind: 'cni',
  id: 'cni/loopback',
  add({ namespace, previous }) {
    upLoopback(namespace)
    return previous ?? { interfaces: [{ name: 'lo' }], ips: [{ address: '127.0.0.1/8' }], routes: [] }
  },
  del({ namespace }) {
    if (namespace.link('lo')) namespace.setLink('lo', { up: false })
  },
}
