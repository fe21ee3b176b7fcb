import { Failure, misuse } from '../cli/failure.ts'
import { bool, text } from '../cli/flags.ts'
import { globalFlags } from '../cli/global-flags.ts'
import { flagLines } from '../cli/help.ts'
import type { Call, Verb } from '../cli/verb.ts'
import type { ResourceType } from '../client/discovery.ts'
import { apiVersionOf, fullName } from '../client/discovery.ts'
import { own } from '../objects/change.ts'
import { objectPrinter, printFlags } from '../print/printer.ts'
import { alignRows } from '../print/tabwriter.ts'
import { yamlText } from '../print/yaml.ts'

export const clientVersion = { gitVersion: 'v1.35.2', kustomize: 'v5.7.1' }

export const apiResourcesVerb: Verb = {
  name: 'api-resources',
  about: 'Print the supported API resources on the server',
  usage: '[flags] [options]',
  flags: [
    text('api-group', 'Only this group; empty for the core group.'),
    bool('cached', 'Accepted; nothing is cached.'),
    text('categories', 'Only these categories.'),
    bool('namespaced', 'Only types that live in namespaces, or (false) do not.', undefined, 'true'),
    bool('no-headers', 'Leave the headers out.'),
    text('output', 'name, wide, json, yaml or kyaml.', 'o'),
    ...printFlags.filter((flag) => flag.name !== 'output'),
    text('sort-by', 'name or kind.'),
    text('verbs', 'Only types with all of these verbs.'),
  ],
  run: apiResources,
}

async function apiResources(call: Call): Promise<undefined> {
  const { flags } = call
  if (call.args.length > 0) throw misuse(call.path, `unexpected arguments: [${call.args.join(' ')}]`)
  const output = flags.text('output')
  if (!['', 'name', 'wide', 'json', 'yaml', 'kyaml'].includes(output))
    throw new Failure(
      `unable to match a printer suitable for the output format ${JSON.stringify(output)}, allowed formats are: json,kyaml,name,wide,yaml`,
    )
  const sortBy = flags.text('sort-by')
  if (!['', 'name', 'kind'].includes(sortBy)) throw new Failure('--sort-by accepts only name or kind')
  const { types } = await call.discovery()
  const preferred = new Map<string, string>()
  for (const type of types) if (!preferred.has(type.group)) preferred.set(type.group, type.version)
  const wanted = (type: ResourceType) =>
    preferred.get(type.group) === type.version &&
    type.verbs.length > 0 &&
    (!flags.changed('api-group') || type.group === flags.text('api-group')) &&
    (!flags.changed('namespaced') || type.namespaced === flags.bool('namespaced')) &&
    (!flags.text('verbs') ||
      flags
        .text('verbs')
        .split(',')
        .every((verb) => type.verbs.includes(verb))) &&
    (!flags.text('categories') ||
      flags
        .text('categories')
        .split(',')
        .every((one) => type.categories.includes(one)))
  const key = (type: ResourceType) => (sortBy === 'kind' ? type.kind : sortBy === 'name' ? type.plural : `${type.group}\0${type.plural}`)
  const found = types.filter(wanted).sort((a, b) => (key(a) < key(b) ? -1 : 1))
  if (output === 'name') return call.out(found.map((type) => `${fullName(type)}\n`).join('')) as Promise<undefined>
  if (['json', 'yaml', 'kyaml'].includes(output)) {
    const printer = objectPrinter(call)
    return call.out(printer?.print(resourceList(found)) ?? '') as Promise<undefined>
  }
  const rows = found.map((type) => [
    type.plural,
    type.shortNames.join(','),
    apiVersionOf(type),
    String(type.namespaced),
    type.kind,
    ...(output === 'wide' ? [type.verbs.join(','), type.categories.join(',')] : []),
  ])
  const header = ['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND', ...(output === 'wide' ? ['VERBS', 'CATEGORIES'] : [])]
  await call.out(alignRows(flags.bool('no-headers') ? rows : [header, ...rows]))
}

/** The types as an APIResourceList, in the order of its Go fields. */
function resourceList(types: readonly ResourceType[]) {
  const resources = types.map((type) => ({
    name: type.plural,
    singularName: type.singular,
    namespaced: type.namespaced,
    ...(type.group ? { group: type.group } : {}),
    version: type.version,
    kind: type.kind,
    verbs: type.verbs,
    ...(type.shortNames.length > 0 ? { shortNames: type.shortNames } : {}),
    ...(type.categories.length > 0 ? { categories: type.categories } : {}),
  }))
  return own('APIResourceList', 'v1', { groupVersion: '', resources })
}

export const apiVersionsVerb: Verb = {
  name: 'api-versions',
  about: 'Print the supported API versions on the server, in the form of "group/version"',
  usage: '[options]',
  async run(call) {
    if (call.args.length > 0) throw misuse(call.path, `unexpected arguments: [${call.args.join(' ')}]`)
    const { groups } = await call.discovery()
    const versions = groups.flatMap((group) => group.versions.map((version) => (group.name ? `${group.name}/${version}` : version)))
    await call.out(
      versions
        .sort()
        .map((version) => `${version}\n`)
        .join(''),
    )
    return undefined
  },
}

export const versionVerb: Verb = {
  name: 'version',
  about: 'Print the client and server version information',
  usage: '[flags] [options]',
  flags: [bool('client', 'Only the version of this program.'), text('output', 'yaml or json.', 'o')],
  run: version,
}

async function version(call: Call): Promise<undefined> {
  if (call.args.length > 0) throw new Failure(`extra arguments: [${call.args.join(' ')}]`)
  const output = call.flags.text('output')
  if (!['', 'yaml', 'json'].includes(output)) throw new Failure("--output must be 'yaml' or 'json'")
  const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(clientVersion.gitVersion) ?? []
  const own = { major, minor, gitVersion: clientVersion.gitVersion, platform: 'linux/amd64' }
  let server: any
  let failure: unknown
  if (!call.flags.bool('client')) {
    try {
      server = await call.client().json('GET', '/version')
    } catch (error) {
      failure = error
    }
  }
  if (output === '') {
    await call.out(`Client Version: ${own.gitVersion}\nKustomize Version: ${clientVersion.kustomize}\n`)
    if (server) await call.out(`Server Version: ${server.gitVersion}\n`)
  } else {
    const all = { clientVersion: own, kustomizeVersion: clientVersion.kustomize, ...(server ? { serverVersion: server } : {}) }
    await call.out(output === 'yaml' ? `${yamlText(all)}\n` : `${JSON.stringify(all, null, 2)}\n`)
  }
  if (failure) throw failure
  const skew = server ? Math.abs(Number(minor) - Number.parseInt(server.minor, 10)) : 0
  if (skew > 1)
    await call.err(
      `Warning: version difference between client (${major}.${minor}) and server (${server.major}.${server.minor}) exceeds the supported minor version skew of +/-1\n`,
    )
}

export const clusterInfoVerb: Verb = {
  name: 'cluster-info',
  about: 'Display cluster information',
  usage: '[flags] [options]',
  async run(call) {
    const { server } = call.target()
    const services = await call
      .client()
      .json('GET', '/api/v1/namespaces/kube-system/services', { query: { labelSelector: 'kubernetes.io/cluster-service=true' } })
    const coloured = call.process.isTerminal(1)
    const paint = (code: string, text: string) => (coloured ? `\x1b[0;${code}m${text}\x1b[0m` : text)
    const line = (name: string, link: string) => `${paint('32', name)} is running at ${paint('33', link)}\n`
    let text = line('Kubernetes control plane', server)
    for (const service of services.items ?? []) {
      const name = service.metadata.labels?.['kubernetes.io/name'] ?? service.metadata.name
      const port = service.spec.ports?.[0]
      const suffix = port?.name ? `:${port.name}` : ''
      text += line(name, `${server}/api/v1/namespaces/${service.metadata.namespace}/services/${service.metadata.name}${suffix}/proxy`)
    }
    await call.out(`${text}\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n`)
    return undefined
  },
  children: [refused('dump', 'Dump relevant information for debugging and diagnosis', 'use kubectl get -A -o yaml and kubectl logs')],
}

/** A command that exists and says why it does nothing here, and what to do instead. */
export function refused(name: string, about: string, instead: string, check?: (call: Call) => void): Verb {
  return {
    name,
    about,
    usage: '[options]',
    async run(call) {
      check?.(call)
      throw new Failure(`${name} is not supported by this kubectl: ${instead}`)
    },
  }
}

export const optionsVerb: Verb = {
  name: 'options',
  about: 'List of global command-line options (applies to all commands)',
  usage: '[options]',
  async run(call) {
    await call.out(`The following options can be passed to any command:\n\n${flagLines(globalFlags)}\n`)
    return undefined
  },
}
