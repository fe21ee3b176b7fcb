import type { Plugin } from './plugin.ts'
import { cache } from './plugins/cache.ts'
import { health, prometheus, ready } from './plugins/endpoints.ts'
import { forward } from './plugins/forward.ts'
import { kubernetes } from './plugins/kubernetes.ts'
import { errors, log } from './plugins/log-lines.ts'
import { loop } from './plugins/loop.ts'
import { hosts, loadbalance, rewrite } from './plugins/static.ts'

/** Every directive of a standard CoreDNS build, in the order in which a question passes them (plugin.cfg). */
const order =
  'root metadata geoip cancel tls quic timeouts multisocket reload nsid bufsize bind debug trace ready health pprof prometheus errors log dnstap local dns64 acl any chaos loadbalance tsig cache rewrite header dnssec autopath minimal template transfer hosts route53 azure clouddns k8s_external kubernetes file auto secondary etcd loop forward grpc erratic whoami on sign view nomad'.split(
    ' ',
  )

/** `reload` is the process's own business; it has no place in the chain. */
const modelled: Readonly<Record<string, Plugin>> = {
  reload: () => undefined,
  ready,
  health,
  prometheus,
  errors,
  log,
  loadbalance,
  cache,
  rewrite,
  hosts,
  kubernetes,
  loop,
  forward,
}

export function isDirective(name: string): boolean {
  return order.includes(name)
}

export function pluginOf(name: string): Plugin | undefined {
  return modelled[name]
}

export function byChainOrder(a: string, b: string): number {
  return order.indexOf(a) - order.indexOf(b)
}
