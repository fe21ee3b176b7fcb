import { NetworkError } from '../../../network/sockets.ts'
import type { Command, Process } from '../../process.ts'
import { MiB } from '../../usage.ts'
import { type Answer, type EndpointReport, type Request, type ServiceReport, type StatusReport, socketPath } from '../agent/requests.ts'
import { buildConfig } from '../init.ts'
import type { Rule } from '../policy/rule.ts'
import { ciliumBuild, ciliumVersion } from '../version.ts'
import { statusLines } from './status.ts'
import { table } from './table.ts'

/** The agent is not there, or refuses: the command ends with this message. */
class AgentError extends Error {}

const usage = `CLI for interacting with the local Cilium Agent

The simulated cluster models: build-config, endpoint list, identity list, node list, policy get, service list, status, version
`

/** `cilium-dbg`, and `cilium` as it was called before: questions to the agent of this node (cilium-dbg/cmd). */
export const ciliumDbg: Command = {
  kind: 'command',
  id: 'cilium/cilium-dbg',
  usage: { bytes: 30 * MiB, secondsAtStart: 0.05 },
  async run(process) {
    const words = process.argv.slice(1).filter((argument) => !argument.startsWith('-'))
    const flags = process.argv.slice(1).filter((argument) => argument.startsWith('-'))
    const [first = '', second = ''] = words
    try {
      switch (`${first} ${second === 'ls' ? 'list' : second}`.trim()) {
        case 'build-config':
          return await buildConfig(process)
        case 'status':
          return await status(process, flags)
        case 'endpoint list':
          return await endpointList(process)
        case 'identity list':
          return await identityList(process)
        case 'service list':
          return await serviceList(process)
        case 'node list':
          return await nodeList(process)
        case 'policy get':
          return await policyGet(process)
        case 'version':
          await process.stdout.write(
            `Client: ${ciliumVersion} (${ciliumBuild}) go version go1.24.10 linux/amd64\nDaemon: ${ciliumVersion} (${ciliumBuild}) go version go1.24.10 linux/amd64\n`,
          )
          return 0
        case '':
          await process.stdout.write(usage)
          return 0
        default:
          await process.stderr.write(`Error: the simulated cluster does not model "cilium-dbg ${words.join(' ')}"\n`)
          return 1
      }
    } catch (error) {
      if (!(error instanceof AgentError)) throw error
      await process.stderr.write(`${error.message}\n`)
      return 1
    }
  },
}

function ask<T>({ sockets }: Process, request: Request, failing: string, path: string): T {
  let answer: Answer<T> | undefined
  try {
    answer = sockets.askUnix(socketPath, request) as Answer<T> | undefined
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    throw new AgentError(`${failing}Get "http://localhost/v1/${path}": ${error.message}\nIs the agent running?`)
  }
  if (!answer || 'error' in answer) throw new AgentError(`${failing}${answer?.error ?? 'EOF'}`)
  return answer.ok
}

async function status(process: Process, flags: readonly string[]): Promise<number> {
  const report = ask<StatusReport>(process, { ask: 'status' }, '', 'healthz')
  if (flags.includes('--brief')) await process.stdout.write('OK\n')
  else await process.stdout.write(table(statusLines(report, flags.includes('--verbose') || flags.includes('--all-addresses'))))
  return 0
}

async function endpointList(process: Process): Promise<number> {
  const endpoints = ask<EndpointReport[]>(process, { ask: 'endpoints' }, 'Error: cannot get endpoint list: ', 'endpoint')
  const mode = (enforcing: boolean) => (enforcing ? 'Enabled' : 'Disabled')
  const rows: string[][] = [
    ['ENDPOINT', 'POLICY (ingress)', 'POLICY (egress)', 'IDENTITY', 'LABELS (source:key[=value])', 'IPv6', 'IPv4', 'STATUS', ''],
    ['', 'ENFORCEMENT', 'ENFORCEMENT', '', '', '', '', '', ''],
  ]
  for (const { id, identity, labels, ipv4, enforcing } of [...endpoints].sort((a, b) => a.id - b.id)) {
    const [label = 'no labels', ...others] = labels
    rows.push([String(id), mode(enforcing.ingress), mode(enforcing.egress), String(identity), label, '', ipv4, 'ready', ''])
    for (const other of others) rows.push(['', '', '', '', other, '', '', '', ''])
  }
  await process.stdout.write(table(rows))
  return 0
}

async function identityList(process: Process): Promise<number> {
  const identities = ask<{ id: number; labels: string[] }[]>(
    process,
    { ask: 'identities' },
    'Error: Cannot get identities. err: ',
    'identity',
  )
  const rows: string[][] = [['ID', 'LABELS']]
  for (const { id, labels } of [...identities].sort((a, b) => a.id - b.id)) {
    for (const [index, label] of labels.entries()) rows.push([index === 0 ? String(id) : '', label])
  }
  await process.stdout.write(table(rows))
  return 0
}

async function serviceList(process: Process): Promise<number> {
  const services = ask<ServiceReport[]>(process, { ask: 'services' }, 'Error: Cannot get services list: ', 'service')
  const rows: string[][] = [['ID', 'Frontend', 'Service Type', 'Backend', '']]
  for (const { id, frontend, type, backends } of [...services].sort((a, b) => a.id - b.id)) {
    const [backend = '', ...others] = backends.map((address, index) => `${index + 1} => ${address} (active)`)
    rows.push([String(id), frontend, type, backend, ''])
    for (const other of others) rows.push(['', '', '', other, ''])
  }
  await process.stdout.write(table(rows))
  return 0
}

async function nodeList(process: Process): Promise<number> {
  const nodes = ask<{ name: string; address: string; podCidr: string }[]>(
    process,
    { ask: 'node-list' },
    'Error: Cannot get node list: ',
    'healthz',
  )
  await process.stdout.write(
    table([
      ['Name', 'IPv4 Address', 'Endpoint CIDR', 'IPv6 Address', 'Endpoint CIDR', 'Source'],
      ...nodes.map(({ name, address, podCidr }) => [name, address, podCidr, '', '', 'custom-resource']),
    ]),
  )
  return 0
}

/** The rules as the agent understood them, which are Cilium's own whatever kind of policy they came from. */
async function policyGet(process: Process): Promise<number> {
  const rules = ask<Rule[]>(process, { ask: 'policy' }, 'Error: Cannot get policy: ', 'policy')
  const shown = rules.map(({ origin, subject, ingress, egress }) => ({
    endpointSelector: subject,
    ...(ingress ? { ingress: ingress.allow, ...(ingress.deny.length > 0 ? { ingressDeny: ingress.deny } : {}) } : {}),
    ...(egress ? { egress: egress.allow, ...(egress.deny.length > 0 ? { egressDeny: egress.deny } : {}) } : {}),
    labels: [
      { key: 'io.cilium.k8s.policy.derived-from', value: origin.kind, source: 'k8s' },
      { key: 'io.cilium.k8s.policy.name', value: origin.name, source: 'k8s' },
      ...(origin.namespace ? [{ key: 'io.cilium.k8s.policy.namespace', value: origin.namespace, source: 'k8s' }] : []),
    ],
    enableDefaultDeny: { ingress: ingress?.isolates ?? false, egress: egress?.isolates ?? false },
  }))
  await process.stdout.write(`${JSON.stringify(shown, undefined, 2)}\nRevision: ${rules.length + 1}\n`)
  return 0
}
