import type { Pod } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../../kubernetes.ts'
import type { ExecOptions, MessageSocket, NodeConnector, UpgradeTransport } from '../api.ts'
import type { Registry } from '../registry/registry.ts'
import { badRequest, notImplemented, unknownResource } from '../status.ts'
import { runCommand, commandProtocols as webSocketCommandProtocols } from './channels.ts'
import { runCommandStreams } from './command-streams.ts'
import { chosenContainer, kubeletOf } from './containers.ts'
import { channelProtocol, forwardChannels, forwardStreams, streamProtocol, tunnelProtocol } from './port-forward.ts'
import type { ResourceRequest } from './resources.ts'

export interface Stream {
  readonly protocol: string
  run(socket: MessageSocket): Promise<void>
}

/** What talks on an upgraded connection to a pod's exec, attach or portforward. Refusals are StatusErrors, before the handshake. */
export function openStream(
  registry: Registry,
  nodes: NodeConnector,
  given: ResourceRequest & { name: string },
  subresource: string,
  offered: readonly string[],
  transport: UpgradeTransport,
): Stream {
  const { definition, query, namespace, name } = given
  if (subresource === 'proxy') throw notImplemented('the simulated cluster does not model upgrades through the proxy subresources')
  if (definition.kind !== 'Pod' || !['exec', 'attach', 'portforward'].includes(subresource)) throw unknownResource()
  const pod = registry.get(definition, namespace, name) as Pod & KubeObject
  const onNode = (path: string) => {
    if (!pod.spec?.nodeName) throw badRequest(`pod ${name} does not have a host assigned`)
    return kubeletOf(registry, nodes, pod, path)
  }

  if (subresource === 'portforward') {
    const kubelet = onNode(`portForward/${namespace}/${name}`)
    const protocol = chooseProtocol(portForwardProtocols[transport], offered)
    const forwarder = kubelet.portForward(namespace!, name)
    // Over SPDY the ports are named later, on the streams.
    if (protocol !== channelProtocol) return { protocol, run: (socket) => forwardStreams(socket, forwarder) }
    const ports = query
      .getAll('ports')
      .flatMap((text) => text.split(','))
      .map(Number)
    if (ports.length === 0) throw badRequest('query parameter "ports" is required')
    if (ports.some((port) => !Number.isInteger(port) || port < 1 || port > 65_535)) throw badRequest('port must be between 1 and 65535')
    return { protocol, run: (socket) => forwardChannels(socket, ports, forwarder) }
  }

  const flag = (key: string) => query.get(key) === 'true' || query.get(key) === '1'
  const options: ExecOptions = {
    container: chosenContainer(pod, query.get('container') ?? undefined),
    command: query.getAll('command'),
    stdin: flag('stdin'),
    stdout: flag('stdout'),
    stderr: flag('stderr'),
    tty: flag('tty'),
  }
  if (!options.stdin && !options.stdout && !options.stderr) throw badRequest('you must specify at least 1 of stdin, stdout, stderr')
  if (subresource === 'exec' && options.command.length === 0) throw badRequest('you must specify at least one command for the container')
  const kubelet = onNode(`${subresource}/${namespace}/${name}/${options.container}`)
  const run = transport === 'websocket' ? runCommand : runCommandStreams
  return {
    protocol: chooseProtocol(commandProtocols[transport], offered),
    run: (socket) => run(socket, options, (output) => kubelet[subresource as 'exec' | 'attach'](namespace!, name, options, output)),
  }
}

/** Newest first. */
const commandProtocols = { websocket: webSocketCommandProtocols, 'SPDY/3.1': [channelProtocol] } as const
const portForwardProtocols = { websocket: [tunnelProtocol, channelProtocol], 'SPDY/3.1': [streamProtocol] } as const

/** Asked last, so that a client that falls back from one protocol to another is told what is wrong with its request, not with its protocol. */
function chooseProtocol(spoken: readonly string[], offered: readonly string[]): string {
  const protocol = spoken.find((name) => offered.includes(name))
  if (protocol) return protocol
  const wish = offered.join(' ')
  throw badRequest(`unable to upgrade: unable to negotiate protocol: client supports [${wish}], server accepts [${spoken.join(' ')}]`)
}
