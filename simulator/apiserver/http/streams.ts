import type { Pod } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../../kubernetes.ts'
import type { ExecOptions, MessageSocket, NodeConnector } from '../api.ts'
import type { Registry } from '../registry/registry.ts'
import { badRequest, notImplemented, unknownResource } from '../status.ts'
import { commandProtocols, portForwardProtocols, runCommand, runPortForward } from './channels.ts'
import { chosenContainer, kubeletOf } from './containers.ts'
import type { ResourceRequest } from './resources.ts'

export interface Stream {
  readonly protocol: string
  run(socket: MessageSocket): Promise<void>
}

/** What talks on a WebSocket to a pod's exec, attach or portforward. Refusals are StatusErrors, before the handshake. */
export function openStream(
  registry: Registry,
  nodes: NodeConnector,
  given: ResourceRequest & { name: string },
  subresource: string,
  offered: readonly string[],
): Stream {
  const { definition, query, namespace, name } = given
  if (definition.kind !== 'Pod' || !['exec', 'attach', 'portforward'].includes(subresource)) throw unknownResource()
  const pod = registry.get(definition, namespace, name) as Pod & KubeObject
  const onNode = (path: string) => {
    if (!pod.spec?.nodeName) throw badRequest(`pod ${name} does not have a host assigned`)
    return kubeletOf(registry, nodes, pod, path)
  }

  if (subresource === 'portforward') {
    // Over SPDY the ports are named later, on the streams.
    const protocol = chooseProtocol(subresource, offered)
    const kubelet = onNode(`portForward/${namespace}/${name}`)
    const ports = query
      .getAll('ports')
      .flatMap((text) => text.split(','))
      .map(Number)
    if (ports.length === 0) throw badRequest('query parameter "ports" is required')
    if (ports.some((port) => !Number.isInteger(port) || port < 1 || port > 65_535)) throw badRequest('port must be between 1 and 65535')
    return {
      protocol,
      run: (socket) => runPortForward(socket, ports, (port, output) => kubelet.portForward(namespace!, name, port, output)),
    }
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
  return {
    protocol: chooseProtocol(subresource, offered),
    run: (socket) => runCommand(socket, options, (output) => kubelet[subresource as 'exec' | 'attach'](namespace!, name, options, output)),
  }
}

/** Asked last, so that a client that falls back from one protocol to another is told what is wrong with its request, not with its protocol. */
function chooseProtocol(subresource: string, offered: readonly string[]): string {
  const spoken: readonly string[] = subresource === 'portforward' ? portForwardProtocols : commandProtocols
  const protocol = spoken.find((name) => offered.includes(name))
  if (protocol) return protocol
  // No WebSocket protocol at all is the older upgrade to SPDY, which kubectl tries when the first was refused.
  const wish = offered.length > 0 ? offered.join(', ') : 'SPDY/3.1'
  if (subresource === 'portforward' && (offered.length === 0 || offered.includes('SPDY/3.1+portforward.k8s.io'))) {
    throw notImplemented(`the simulated cluster does not model port-forward over ${wish}; it speaks ${spoken.join(', ')}`)
  }
  throw badRequest(`unable to agree on a subprotocol: the client offers ${wish}, the server speaks ${spoken.join(', ')}`)
}
