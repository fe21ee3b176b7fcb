import type { Pod } from 'kubernetes-types/core/v1'
import type { Api } from '../apiserver/api.ts'
import type { NetworkNamespace } from '../network/namespace.ts'
import { upLoopback } from '../network/network.ts'
import { NetworkError, type PlainAnswer } from '../network/sockets.ts'
import { type CniCall, CniError, type CniPlugin, type CniResult, programId } from '../programs/process.ts'
import { remembered } from '../remembered.ts'
import { goDialError, joinHostPort } from './runtime/dial.ts'
import { programsOf } from './runtime/programs.ts'
import type { NetworkList, PodState, Sandbox } from './state.ts'
import type { Kubelet } from './world.ts'

const configFolder = '/etc/cni/net.d'
const pluginFolder = '/opt/cni/bin'

const jsonOf = remembered((text) => JSON.parse(text))

/** The runtime's refusal to make a sandbox, in its words. */
export class SandboxError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SandboxError'
  }
}

/** The first network of /etc/cni/net.d in the order of names; files that are no configuration are passed over, as containerd does. */
export function networkList(kubelet: Kubelet): NetworkList | undefined {
  const { files } = kubelet.world
  if (!files.exists(configFolder)) return undefined
  for (const { name, directory } of files.list(configFolder)) {
    if (directory || !/\.(conflist|conf|json)$/.test(name)) continue
    try {
      const config = jsonOf(files.readText(`${configFolder}/${name}`))
      const list = name.endsWith('.conflist') ? config : { name: config.name, cniVersion: config.cniVersion, plugins: [config] }
      if (typeof list.name === 'string' && Array.isArray(list.plugins) && list.plugins.length > 0) {
        return { name: list.name, cniVersion: list.cniVersion ?? '0.2.0', plugins: list.plugins }
      }
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
    }
  }
  return undefined
}

/** Makes the pod's network namespace and runs the CNI chain in it. Throws SandboxError; then nothing is left behind. */
export function createSandbox(kubelet: Kubelet, pod: Pod): Sandbox {
  const { machine, random, clock } = kubelet.world
  const id = random.hex(64)
  if (pod.spec?.hostNetwork) return { id, addresses: kubelet.hostAddresses, readyAt: clock.now() }
  const list = networkList(kubelet)
  if (!list) throw new SandboxError(`failed to setup network for sandbox "${id}": cni plugin not initialized`)
  const namespace = machine.addNamespace(`cni-${random.uuid()}`)
  // The runtime's own loopback plugin.
  upLoopback(namespace)
  try {
    const result = addNetwork(kubelet, pod, id, namespace, list)
    const addresses = result.ips.map(({ address }) => address.replace(/\/\d+$/, ''))
    if (addresses.length === 0) throw new CniError(999, 'cni network has no IP addresses')
    return { id, namespace: namespace.name, addresses, readyAt: clock.now(), network: { list, result } }
  } catch (error) {
    if (!(error instanceof CniError)) kubelet.world.onError(error)
    removeNetwork(kubelet, pod, id, namespace, list)
    machine.removeNamespace(namespace.name)
    throw new SandboxError(`failed to setup network for sandbox "${id}": ${error instanceof Error ? error.message : String(error)}`)
  }
}

export function removeSandbox(kubelet: Kubelet, pod: Pod, state: PodState): void {
  const sandbox = state.sandbox
  if (!sandbox?.namespace) return
  // The addresses stay in the status of a pod that has ended.
  state.sandbox = { id: sandbox.id, addresses: sandbox.addresses, readyAt: sandbox.readyAt }
  const namespace = kubelet.world.machine.namespace(sandbox.namespace)
  if (namespace && sandbox.network) removeNetwork(kubelet, pod, sandbox.id, namespace, sandbox.network.list)
  kubelet.world.machine.removeNamespace(sandbox.namespace)
}

function addNetwork(kubelet: Kubelet, pod: Pod, id: string, namespace: NetworkNamespace, list: NetworkList): CniResult {
  let previous: CniResult | undefined
  for (const config of list.plugins) {
    const type = String(config.type)
    const plugin = findPlugin(kubelet, type)
    try {
      previous = plugin.add(call(kubelet, pod, id, namespace, list, config, previous))
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      if (!(error instanceof CniError)) kubelet.world.onError(error)
      const name = typeof config.name === 'string' ? ` name="${config.name}"` : ''
      throw new CniError(error instanceof CniError ? error.code : 999, `plugin type="${type}"${name} failed (add): ${message}`)
    }
  }
  return previous as CniResult
}

/** DEL in reverse; a plugin that fails or is gone does not stop the others, as the runtime tears down all the same. */
function removeNetwork(kubelet: Kubelet, pod: Pod, id: string, namespace: NetworkNamespace, list: NetworkList): void {
  for (const config of [...list.plugins].reverse()) {
    try {
      findPlugin(kubelet, String(config.type)).del(call(kubelet, pod, id, namespace, list, config, undefined))
    } catch (error) {
      if (!(error instanceof CniError)) kubelet.world.onError(error)
    }
  }
}

function call(
  kubelet: Kubelet,
  pod: Pod,
  id: string,
  namespace: NetworkNamespace,
  list: NetworkList,
  config: Record<string, unknown>,
  previous: CniResult | undefined,
): CniCall {
  const { files, machine } = kubelet.world
  const full = { ...config, name: list.name, cniVersion: list.cniVersion, ...runtimeConfig(pod, config) }
  const one: CniCall = {
    containerId: id,
    namespace,
    interfaceName: 'eth0',
    config: full,
    previous,
    args: {
      IgnoreUnknown: '1',
      K8S_POD_NAMESPACE: pod.metadata?.namespace ?? '',
      K8S_POD_NAME: pod.metadata?.name ?? '',
      K8S_POD_INFRA_CONTAINER_ID: id,
      K8S_POD_UID: pod.metadata?.uid ?? '',
    },
    files,
    host: machine.root,
    delegate: (type, delegated, before) => findPlugin(kubelet, type).add({ ...one, config: delegated, previous: before }),
    delegateDel: (type, delegated) => findPlugin(kubelet, type).del({ ...one, config: delegated }),
    connectApi: (server, token) => dialApi(kubelet, server, token),
    request: (server, method, path) => requestHost(kubelet, server, method, path),
  }
  return one
}

function requestHost(kubelet: Kubelet, { host, port }: { host: string; port: number }, method: string, path: string): PlainAnswer {
  const { root } = kubelet.world.machine
  const sockets = root.socketsFor('cni')
  const dialling = `${method === 'GET' ? 'Get' : method === 'POST' ? 'Post' : 'Delete'} "http://${joinHostPort(host, port)}${path}": dial tcp ${joinHostPort(host, port)}`
  try {
    const { local } = sockets.connectTcp({ address: host, port }, {})
    const state = root.table.entries().find((entry) => entry.local.port === local.port && entry.local.address === local.address)?.state
    if (state === 'SYN-SENT') throw new Error(`${dialling}: i/o timeout`)
    const answer = state === 'ESTAB' ? root.table.answer(port, method, path) : undefined
    if (!answer) throw goDialError(new NetworkError('ECONNREFUSED'), dialling)
    return answer
  } finally {
    sockets.close()
  }
}

/** What a plugin asks for by its capabilities: of those that runtimes know, the ports of the node that containers want. */
function runtimeConfig(pod: Pod, { capabilities }: Record<string, unknown>): { runtimeConfig?: unknown } {
  if (!(capabilities as { portMappings?: boolean } | undefined)?.portMappings) return {}
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]
  const portMappings = containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, containerPort, protocol = 'TCP', hostIP }) =>
      hostPort ? [{ hostPort, containerPort, protocol: protocol.toLowerCase(), ...(hostIP ? { hostIP } : {}) }] : [],
    ),
  )
  return portMappings.length > 0 ? { runtimeConfig: { portMappings } } : {}
}

/** A handshake over the host's own network is over when the dial returns, or it is not answered at all. */
function dialApi(kubelet: Kubelet, { host, port }: { host: string; port: number }, token: string): Api {
  const { machine, apiOf, userOf, api } = kubelet.world
  const dialling = `dial tcp ${joinHostPort(host, port)}`
  const sockets = machine.root.socketsFor('cni')
  try {
    const connection = sockets.connectTcp({ address: host, port }, {})
    const { service } = connection
    if (!service) {
      const open = machine.root.table
        .entries()
        .find(({ local }) => local.port === connection.local.port && local.address === connection.local.address)
      if (!machine.root.routing.lookup({ dst: host })) throw goDialError(new NetworkError('ENETUNREACH'), dialling)
      throw open?.state === 'SYN-SENT' ? new Error(`${dialling}: i/o timeout`) : goDialError(new NetworkError('ECONNREFUSED'), dialling)
    }
    const user = userOf?.(token)
    if (!user) throw new Error('Unauthorized')
    const reached = apiOf ? apiOf(service, user, () => token) : api.as(user)
    if (!reached) throw new Error('tls: first record does not look like a TLS handshake')
    return reached
  } finally {
    sockets.close()
  }
}

function findPlugin(kubelet: Kubelet, type: string): CniPlugin {
  const { files, catalogue } = kubelet.world
  const path = `${pluginFolder}/${type}`
  if (!files.exists(path) || files.stat(path).directory) throw new CniError(3, `failed to find plugin "${type}" in path [${pluginFolder}]`)
  const id = programId(files.readText(path).trimEnd())
  const program = id === undefined ? undefined : programsOf(catalogue)(id)
  if (program?.kind !== 'cni') throw new CniError(999, `fork/exec ${path}: exec format error`)
  return program
}
