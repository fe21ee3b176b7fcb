import type { CniPlugin } from '../process.ts'

/** Brings `lo` up. Follows containernetworking/plugins' loopback. */
export const loopback: CniPlugin = {
  kind: 'cni',
  id: 'cni/loopback',
  add({ namespace, previous }) {
    namespace.setLink('lo', { up: true })
    return previous ?? { interfaces: [{ name: 'lo' }], ips: [{ address: '127.0.0.1/8' }], routes: [] }
  },
  del({ namespace }) {
    if (namespace.link('lo')) namespace.setLink('lo', { up: false })
  },
}
