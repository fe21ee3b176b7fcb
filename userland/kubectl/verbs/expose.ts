import { Failure } from '../cli/failure.ts'
import { int, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { resolveType } from '../client/discovery.ts'
import { createObject, dryRunFlag, dryRunOf, fieldManagerFlag, own, report } from '../objects/change.ts'
import { filenameFlags } from '../objects/manifests.ts'
import type { Info } from '../objects/targets.ts'
import { namedTargets, selectorFlag, visit } from '../objects/targets.ts'
import { printFlags } from '../print/printer.ts'

export const exposeVerb: Verb = {
  name: 'expose',
  about: 'Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service',
  examples: ['kubectl expose deployment web --port=80 --target-port=8080', 'kubectl expose deployment web --type=NodePort --port=80'],
  usage:
    '(-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name] [--name=name] [--external-ip=external-ip-of-service] [--type=type] [options]',
  flags: [
    text('cluster-ip', 'Address to take, or None for a headless service.'),
    dryRunFlag,
    text('external-ip', 'Further address that the service answers on.'),
    fieldManagerFlag('kubectl-expose'),
    ...filenameFlags,
    text('labels', 'Labels of the service.', 'l'),
    text('load-balancer-ip', 'Address to ask a load balancer for.'),
    text('name', "Name of the service; the object's by default."),
    text('override-type', 'Refused.', undefined, 'merge'),
    text('overrides', 'Refused.'),
    text('port', 'Port of the service; the one the object exposes by default.'),
    text('protocol', 'TCP, UDP or SCTP.'),
    { ...selectorFlag, short: undefined, name: 'selector' },
    text('session-affinity', 'None or ClientIP.'),
    text('target-port', "Port, or its name, of the pods; the service's by default."),
    text('type', 'ClusterIP, NodePort, LoadBalancer or ExternalName.'),
    int('node-port', 'Refused: edit the service afterwards.'),
    ...printFlags,
  ],
  async run(call) {
    for (const refused of ['overrides', 'node-port'])
      if (call.flags.changed(refused)) throw new Failure(`--${refused} is not supported by this kubectl`)
    const targets = await namedTargets(call, call.args)
    await visit(call, targets, {}, (info) => expose(call, info))
    return undefined
  },
}

type Ported = { containerPort?: number; port?: number; protocol?: string; name?: string }

async function expose(call: Call, info: Info): Promise<void> {
  const { flags } = call
  const spec = info.object['spec'] as any
  const kind = info.type.kind
  if (!['ReplicationController', 'Service', 'Pod', 'Deployment', 'ReplicaSet'].includes(kind))
    throw new Failure(`cannot expose a ${kind}${info.type.group ? `.${info.type.group}` : ''}`)
  const selector = flags.text('selector') ? parseLabels(flags.text('selector')) : selectorOf(info)
  const found: Ported[] =
    kind === 'Service' ? spec.ports : (kind === 'Pod' ? spec : spec.template.spec).containers.flatMap((one: any) => one.ports ?? [])
  const given = flags.text('port') ? flags.text('port').split(',') : found.map((one) => String(one.containerPort ?? one.port))
  if (given.length === 0) throw new Failure("couldn't find port via --port flag or introspection")
  const target = flags.text('target-port')
  const ports = given.map((word, at) => {
    if (!/^[+-]?\d+$/.test(word)) throw new Failure(`strconv.Atoi: parsing ${JSON.stringify(word)}: invalid syntax`)
    const port = Number(word)
    const protocol = flags.text('protocol') || found.find((one) => (one.containerPort ?? one.port) === port)?.protocol || 'TCP'
    return {
      ...(given.length > 1 ? { name: `port-${at + 1}` } : {}),
      protocol: protocol.toUpperCase(),
      port,
      targetPort: target === '' ? port : /^\d+$/.test(target) ? Number(target) : target,
    }
  })
  const labels = flags.text('labels')
    ? parseLabels(flags.text('labels'))
    : (info.object.metadata?.labels as Record<string, string> | undefined)
  const type = flags.text('type')
  const service = own('Service', 'v1', {
    metadata: {
      name: flags.text('name') || info.name,
      ...(dryRunOf(call) === 'none' || flags.changed('namespace') ? { namespace: info.namespace } : {}),
      ...(labels ? { labels } : {}),
    },
    spec: {
      ports,
      selector,
      ...(flags.text('cluster-ip') ? { clusterIP: flags.text('cluster-ip') } : {}),
      ...(type ? { type } : {}),
      ...(flags.text('external-ip') ? { externalIPs: [flags.text('external-ip')] } : {}),
      ...(flags.text('session-affinity') ? { sessionAffinity: flags.text('session-affinity') } : {}),
      ...(flags.text('load-balancer-ip') ? { loadBalancerIP: flags.text('load-balancer-ip') } : {}),
    },
    status: { loadBalancer: {} },
  })
  const services = resolveType(await call.discovery(), 'services')
  const created = dryRunOf(call) === 'client' ? service : await createObject(call, services, info.namespace, service)
  await report(call, services, created, 'exposed')
}

function selectorOf(info: Info): Record<string, string> {
  const fail = (problem: string): never => {
    throw new Failure(`couldn't retrieve selectors via --selector flag or introspection: ${problem}`)
  }
  const spec = info.object['spec'] as any
  if (info.type.kind === 'Pod') {
    const labels = info.object.metadata?.labels as Record<string, string> | undefined
    if (!labels || Object.keys(labels).length === 0) fail('the pod has no labels and cannot be exposed')
    return labels as Record<string, string>
  }
  if (info.type.kind === 'Service' || info.type.kind === 'ReplicationController') {
    if (!spec.selector) fail('the service has no pod selector set')
    return spec.selector
  }
  if ((spec.selector?.matchExpressions ?? []).length > 0)
    fail(`couldn't convert expressions - "${JSON.stringify(spec.selector.matchExpressions)}" to map-based selector format`)
  return spec.selector?.matchLabels ?? {}
}

function parseLabels(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const [key = '', value] = pair.split('=')
      if (value === undefined) throw new Failure(`unexpected label spec: ${pair}`)
      return [key, value]
    }),
  )
}
