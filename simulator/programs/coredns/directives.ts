import type { Plugin } from './plugin.ts'
import { autopath } from './plugins/autopath.ts'
import { cache } from './plugins/cache.ts'
import { health, prometheus, ready } from './plugins/endpoints.ts'
import { errors } from './plugins/errors.ts'
import { forward } from './plugins/forward.ts'
import { kubernetes } from './plugins/kubernetes.ts'
import { log } from './plugins/log.ts'
import { loop } from './plugins/loop.ts'
import { rewrite } from './plugins/rewrite.ts'
import { hosts, loadbalance } from './plugins/static.ts'
import { template } from './plugins/template.ts'

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
  autopath,
  template,
  hosts,
  kubernetes,
  loop,
  forward,
}

/** Those that a server block may name once (plugin.ErrOnce). */
const once = new Set(['cache', 'errors', 'hosts', 'kubernetes', 'loop', 'reload'])

export function isOnce(directive: string): boolean {
  return once.has(directive)
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
