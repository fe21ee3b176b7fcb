import { Failure } from '../cli/failure.ts'
import { int, list, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { own } from '../objects/change.ts'
import { createGenerated, generatorFlags, nameArgument } from './generate.ts'

const tcp = list('tcp', 'PORT or PORT:TARGETPORT; may be given several times.')

function serviceVerb(name: string, about: string, type: string, extra: Verb['flags'] = []): Verb {
  return {
    name,
    about,
    usage: `NAME ${name === 'externalname' ? '--external-name external.name' : '[--tcp=<port>:<targetPort>]'} [--dry-run=server|client|none] [options]`,
    flags: [tcp, ...extra, ...generatorFlags],
    ...(name === 'externalname' ? { required: ['external-name'] } : {}),
    run: (call) => create(call, type),
  }
}

export const createService: Verb = {
  name: 'service',
  aliases: ['svc'],
  about: 'Create a service using a specified subcommand',
  usage: '(clusterip | externalname | loadbalancer | nodeport) [options]',
  children: [
    serviceVerb('clusterip', 'Create a ClusterIP service', 'ClusterIP', [
      text('clusterip', 'Address to take, or None for a headless service.'),
    ]),
    serviceVerb('externalname', 'Create an ExternalName service', 'ExternalName', [
      text('external-name', 'Name that the service stands for.'),
    ]),
    serviceVerb('loadbalancer', 'Create a LoadBalancer service', 'LoadBalancer'),
    serviceVerb('nodeport', 'Create a NodePort service', 'NodePort', [int('node-port', 'Port to open on each node.')]),
  ],
}

async function create(call: Call, type: string): Promise<undefined> {
  const name = nameArgument(call)
  const { flags } = call
  const headless = flags.has('clusterip') && flags.text('clusterip') === 'None'
  const ports = flags.list('tcp').map((word) => parsePort(word, flags.has('node-port') ? flags.number('node-port') : 0))
  if (ports.length === 0 && !headless && type !== 'ExternalName') throw new Failure('at least one tcp port specifier must be provided')
  const labels = { app: name }
  const spec = {
    ...(ports.length > 0 ? { ports } : {}),
    selector: labels,
    ...(flags.has('clusterip') && flags.text('clusterip') ? { clusterIP: flags.text('clusterip') } : {}),
    type,
    ...(type === 'ExternalName' ? { externalName: flags.text('external-name') } : {}),
  }
  return createGenerated(call, own('Service', 'v1', { metadata: { name, labels }, spec, status: { loadBalancer: {} } }), `${type} service`)
}

function parsePort(word: string, nodePort: number): Record<string, unknown> {
  const [from = '', to = from, ...more] = word.split(':')
  if (more.length > 0) throw new Failure(`invalid port format ${word}: must be in the form of port:targetPort`)
  const port = Number(from)
  if (!/^\d+$/.test(from)) throw new Failure(`strconv.ParseUint: parsing ${JSON.stringify(from)}: invalid syntax`)
  if (port > 65535) throw new Failure(`strconv.ParseUint: parsing ${JSON.stringify(from)}: value out of range`)
  const targetPort = /^\d+$/.test(to) ? Number(to) : to
  return { name: word.replace(':', '-'), protocol: 'TCP', port, targetPort, ...(nodePort > 0 ? { nodePort } : {}) }
}
