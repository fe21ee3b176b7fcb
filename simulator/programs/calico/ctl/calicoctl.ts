import type { Command, Process } from '../../process.ts'
import { type ClusterInformation, resources } from '../datastore.ts'
import { calicoVersion } from '../node/startup.ts'
import { CtlError, openDatastore } from './connection.ts'
import { get } from './get.ts'
import { showAddress, showIpam } from './ipam-show.ts'
import { nodeStatus } from './node-status.ts'

const usage = `Usage:
  calicoctl [options] <command> [<args>...]
`
/** Commands that calicoctl has and that are not modelled. */
const unmodelled = new Set(['create', 'replace', 'apply', 'patch', 'delete', 'label', 'validate', 'convert', 'datastore', 'cluster'])

/** calicoctl 3.30, as far as it shows things: get, node status, ipam show, version. */
export const calicoctl: Command = {
  kind: 'command',
  id: 'calico/calicoctl',
  async run(process) {
    try {
      await process.stdout.write(await answer(process))
      return 0
    } catch (error) {
      if (!(error instanceof CtlError)) throw error
      await process.stderr.write(`${error.message}\n`)
      return 1
    }
  },
}

async function answer(process: Process): Promise<string> {
  const { words, options } = parsed(process.argv.slice(1))
  const [command, second, ...names] = words
  switch (command) {
    case undefined:
      return usage
    case 'version':
      return version(process, options)
    case 'get': {
      if (options['filename'] !== undefined) throw new CtlError('the simulated calicoctl does not model get --filename')
      if (second === undefined) throw invalid(process)
      return get(openDatastore(process), second, names, {
        output: options['output'] ?? 'ps',
        namespace: options['namespace'],
        allNamespaces: options['all-namespaces'] !== undefined,
      })
    }
    case 'node':
      if (second === 'status') return nodeStatus(process)
      throw second === undefined ? invalid(process) : new CtlError(`the simulated calicoctl does not model node ${second}`)
    case 'ipam':
      if (second !== 'show')
        throw second === undefined ? invalid(process) : new CtlError(`the simulated calicoctl does not model ipam ${second}`)
      if (options['show-configuration'] !== undefined)
        throw new CtlError('the simulated calicoctl does not model ipam show --show-configuration')
      if (options['ip'] !== undefined) return showAddress(openDatastore(process), options['ip'])
      return showIpam(
        openDatastore(process),
        options['show-blocks'] !== undefined ? 'blocks' : options['show-borrowed'] !== undefined ? 'borrowed' : 'pools',
      )
    default:
      throw new CtlError(
        unmodelled.has(command) ? `the simulated calicoctl does not model ${command}` : `Unknown command: "${command}"\n${usage}`,
      )
  }
}

function invalid({ argv }: Process): CtlError {
  return new CtlError(`Invalid option: 'calicoctl ${argv.slice(1).join(' ')}'. Use flag '--help' to read about a specific subcommand.`)
}

/** With `--poll` it goes on, and says what became another. */
async function version(process: Process, options: Readonly<Record<string, string>>): Promise<string> {
  const client = `Client Version:    ${calicoVersion}\nGit commit:        b370415ad\n`
  if (options['client'] !== undefined) return client
  const datastore = openDatastore(process)
  let before = ''
  for (let first = true; ; first = false) {
    const found = await datastore.find<ClusterInformation>(resources.cluster, undefined, 'default')
    if (!found && options['poll'] === undefined) {
      await process.stdout.write(client)
      throw new CtlError('Unable to retrieve Cluster Version or Type: resource does not exist: ClusterInformation(default)')
    }
    const now = `Cluster Version:   ${found?.spec.calicoVersion ?? 'unknown'}\nCluster Type:      ${found?.spec.clusterType ?? 'unknown'}\n`
    const text = `${first ? client : ''}${now === before ? '' : now}`
    if (options['poll'] === undefined) return text
    await process.stdout.write(text)
    before = now
    await process.clock.sleep(durationMs(options['poll']), process.signal)
  }
}

function durationMs(text: string): number {
  const [, amount, unit] = /^(\d+)(s|m|h)$/.exec(text) ?? []
  if (amount === undefined) throw new CtlError('Invalid poll duration specified: 0s')
  return Number(amount) * { s: 1000, m: 60_000, h: 3_600_000 }[unit as 's' | 'm' | 'h']
}

const short: Readonly<Record<string, string>> = {
  o: 'output',
  n: 'namespace',
  A: 'all-namespaces',
  a: 'all-namespaces',
  f: 'filename',
  c: 'config',
}
const switches = new Set([
  'all-namespaces',
  'show-blocks',
  'show-borrowed',
  'show-configuration',
  'client',
  'export',
  'allow-version-mismatch',
  'recursive',
])
const valued = new Set(['output', 'namespace', 'filename', 'config', 'ip', 'poll', 'context', 'log-level'])

function parsed(args: readonly string[]): { words: string[]; options: Record<string, string> } {
  const words: string[] = []
  const options: Record<string, string> = {}
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!
    const [, long, value] = /^--([\w-]+)(?:=(.*))?$/s.exec(word) ?? []
    const [, letter, rest] = long === undefined ? (/^-(\w)=?(.*)$/s.exec(word) ?? []) : []
    const name = long ?? (letter === undefined ? undefined : short[letter])
    if (name === undefined && !word.startsWith('-')) words.push(word)
    else if (name !== undefined && switches.has(name)) options[name] = ''
    else if (name !== undefined && valued.has(name)) options[name] = value ?? (rest || args[++at] || '')
    else throw new CtlError(`Invalid option: 'calicoctl ${args.join(' ')}'. Use flag '--help' to read about a specific subcommand.`)
  }
  return { words, options }
}
