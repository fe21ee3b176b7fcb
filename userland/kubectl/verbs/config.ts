import { Failure, misuse } from '../cli/failure.ts'
import { bool, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import type { Kubeconfig } from '../client/kubeconfig.ts'
import { readOne } from '../client/kubeconfig.ts'
import { throwAll } from '../objects/targets.ts'
import { jsonText } from '../print/json.ts'
import { jsonPathText } from '../print/jsonpath.ts'
import { alignRows } from '../print/tabwriter.ts'
import { yamlText } from '../print/yaml.ts'
import { certificateFields, embedFlag } from './config-certificates.ts'

export const configVerb: Verb = {
  name: 'config',
  about: 'Modify kubeconfig files using subcommands like "kubectl config set current-context my-context"',
  usage: 'SUBCOMMAND [options]',
  children: [
    { name: 'current-context', about: 'Display the current-context', usage: '[flags] [options]', run: currentContext },
    {
      name: 'delete-cluster',
      about: 'Delete the specified cluster from the kubeconfig',
      usage: 'NAME [options]',
      run: (call) => remove(call, 'clusters', 'cluster'),
    },
    {
      name: 'delete-context',
      about: 'Delete the specified context from the kubeconfig',
      usage: 'NAME [options]',
      run: (call) => remove(call, 'contexts', 'context'),
    },
    {
      name: 'delete-user',
      about: 'Delete the specified user from the kubeconfig',
      usage: 'NAME [options]',
      run: (call) => remove(call, 'users', 'user'),
    },
    {
      name: 'get-clusters',
      about: 'Display clusters defined in the kubeconfig',
      usage: '[options]',
      run: (call) => names(call, 'clusters'),
    },
    {
      name: 'get-contexts',
      about: 'Describe one or many contexts',
      usage: '[(-o|--output=)name)] [options]',
      flags: [bool('no-headers', 'Leave the headers out.'), text('output', 'name.', 'o')],
      run: getContexts,
    },
    { name: 'get-users', about: 'Display users defined in the kubeconfig', usage: '[options]', run: (call) => names(call, 'users') },
    {
      name: 'rename-context',
      about: 'Rename a context from the kubeconfig file',
      usage: 'CONTEXT_NAME NEW_NAME [options]',
      run: renameContext,
    },
    {
      name: 'set',
      about: 'Set an individual value in a kubeconfig file',
      usage: 'PROPERTY_NAME PROPERTY_VALUE [options]',
      flags: [bool('set-raw-bytes', 'Refused.')],
      run: set,
    },
    {
      name: 'set-cluster',
      about: 'Set a cluster entry in kubeconfig',
      usage: 'NAME [--server=server] [options]',
      flags: [embedFlag, text('proxy-url', 'Refused.')],
      run: (call) =>
        setEntry(call, 'clusters', 'cluster', 'Cluster', {
          server: call.flags.text('server'),
          ...certificateFields(call, ['certificate-authority']),
        }),
    },
    {
      name: 'set-context',
      about: 'Set a context entry in kubeconfig',
      usage: '[NAME | --current] [--cluster=cluster_nickname] [--user=user_nickname] [--namespace=namespace] [options]',
      flags: [bool('current', 'Modify the current context.')],
      run: setContext,
    },
    {
      name: 'set-credentials',
      about: 'Set a user entry in kubeconfig',
      usage:
        'NAME [--client-certificate=path/to/certfile] [--client-key=path/to/keyfile] [--token=bearer_token] [--embed-certs=true] [options]',
      flags: [embedFlag],
      run: (call) =>
        setEntry(call, 'users', 'user', 'User', {
          ...certificateFields(call, ['client-certificate', 'client-key']),
          token: call.flags.text('token'),
        }),
    },
    { name: 'unset', about: 'Unset an individual value in a kubeconfig file', usage: 'PROPERTY_NAME [options]', run: unset },
    {
      name: 'use-context',
      aliases: ['use'],
      about: 'Set the current-context in a kubeconfig file',
      usage: 'CONTEXT_NAME [options]',
      run: useContext,
    },
    {
      name: 'view',
      about: 'Display merged kubeconfig settings or a specified kubeconfig file',
      usage: '[flags] [options]',
      flags: [
        bool('flatten', 'Accepted.'),
        bool('merge', 'Accepted.', undefined, 'true'),
        bool('minify', 'Only what the current context uses.'),
        text('output', 'yaml, json or jsonpath=….', 'o', 'yaml'),
        bool('raw', 'Show tokens and certificates.'),
      ],
      run: view,
    },
  ],
}

async function currentContext(call: Call): Promise<undefined> {
  const { currentContext: name } = call.kubeconfig()
  if (name === '') throw new Failure('current-context is not set')
  await call.out(`${name}\n`)
}

async function names(call: Call, list: 'clusters' | 'users'): Promise<undefined> {
  await call.out(
    `NAME\n${call
      .kubeconfig()
      [list].map((one) => `${one.name}\n`)
      .sort()
      .join('')}`,
  )
  return undefined
}

async function getContexts(call: Call): Promise<undefined> {
  const config = call.kubeconfig()
  const all = config.contexts.map((one) => one.name)
  const wanted = (call.args.length > 0 ? call.args : all).filter((name) => all.includes(name))
  const missing = call.args.filter((name) => !all.includes(name)).map((name) => new Failure(`context ${name} not found`))
  if (call.flags.text('output') === 'name') {
    await call.out(
      [...wanted]
        .sort()
        .map((name) => `${name}\n`)
        .join(''),
    )
    return throwAll(missing) as undefined
  }
  const rows: string[][] = []
  for (const name of [...wanted].sort()) {
    const context = config.contexts.find((one) => one.name === name)?.context ?? {}
    rows.push([name === config.currentContext ? '*' : '', name, context.cluster ?? '', context.user ?? '', context.namespace ?? ''])
  }
  const header = ['CURRENT', 'NAME', 'CLUSTER', 'AUTHINFO', 'NAMESPACE']
  await call.out(alignRows(call.flags.bool('no-headers') ? rows : [header, ...rows]))
  throwAll(missing)
}

/** Changes the file in which the stanza stands (or the first that exists, or the last of the list). */
function change(call: Call, origin: string, edit: (content: Record<string, any>) => void): string {
  const config = call.kubeconfig()
  const { files } = call.process
  const path = config.origin.get(origin) ?? config.files.find((file) => files.exists(file)) ?? (config.files.at(-1) as string)
  const content = files.exists(path)
    ? readOne(files, path)
    : { apiVersion: 'v1', kind: 'Config', clusters: [], users: [], contexts: [], 'current-context': '', preferences: {} }
  edit(content)
  if (!files.exists(path)) files.makeDirectory(path.slice(0, path.lastIndexOf('/')) || '/', { parents: true })
  files.write(path, yamlText(content))
  return path
}

async function useContext(call: Call): Promise<undefined> {
  const name = oneName(call)
  if (!call.kubeconfig().contexts.some((one) => one.name === name))
    throw new Failure(`no context exists with the name: ${JSON.stringify(name)}`)
  change(call, 'current-context', (content) => {
    content['current-context'] = name
  })
  await call.out(`Switched to context ${JSON.stringify(name)}.\n`)
}

function oneName(call: Call): string {
  if (call.args.length !== 1) throw misuse(call.path, `unexpected args: [${call.args.join(' ')}]`)
  return call.args[0] as string
}

async function setContext(call: Call): Promise<undefined> {
  const config = call.kubeconfig()
  const current = call.flags.bool('current')
  if (current && call.args.length > 0) throw new Failure('you cannot specify both a context name and --current')
  if (current && config.currentContext === '') throw new Failure('no current context is set')
  const name = current ? config.currentContext : call.args[0]
  if (!name) throw new Failure('you must specify a non-empty context name or --current')
  const existed = config.contexts.some((one) => one.name === name)
  put(call, 'contexts', 'context', name, {
    cluster: call.flags.text('cluster'),
    user: call.flags.text('user'),
    namespace: call.flags.text('namespace'),
  })
  await call.out(`Context ${JSON.stringify(name)} ${existed ? 'modified' : 'created'}.\n`)
}

async function setEntry(
  call: Call,
  list: 'clusters' | 'users',
  body: string,
  word: string,
  fields: Record<string, string | undefined>,
): Promise<undefined> {
  const name = oneName(call)
  put(call, list, body, name, fields)
  await call.out(`${word} ${JSON.stringify(name)} set.\n`)
  return undefined
}

function put(
  call: Call,
  list: 'clusters' | 'users' | 'contexts',
  body: string,
  name: string,
  fields: Record<string, string | undefined>,
): void {
  change(call, `${list}/${name}`, (content) => {
    const entries: any[] = (content[list] ??= [])
    let entry = entries.find((one) => one.name === name)
    if (!entry) entries.push((entry = { name, [body]: {} }))
    for (const [key, value] of Object.entries(fields)) {
      if (value === undefined) delete entry[body]?.[key]
      else if (value !== '') entry[body] = { ...entry[body], [key]: value }
    }
  })
}

async function remove(call: Call, list: 'clusters' | 'users' | 'contexts', word: string): Promise<undefined> {
  const name = oneName(call)
  const config = call.kubeconfig()
  const origin = config.origin.get(`${list}/${name}`)
  const file = origin ?? config.files[0]
  if (!origin) throw new Failure(`cannot delete ${word} ${name}, not in ${file}`)
  change(call, `${list}/${name}`, (content) => {
    content[list] = content[list].filter((one: any) => one.name !== name)
  })
  if (list === 'contexts' && name === config.currentContext)
    await call.err('warning: this removed your active context, use "kubectl config use-context" to select a different one\n')
  await call.out(`deleted ${word} ${name} from ${file}\n`)
  return undefined
}

async function renameContext(call: Call): Promise<undefined> {
  const [from, to] = call.args
  if (!from || !to) throw misuse(call.path, `unexpected args: [${call.args.join(' ')}]`)
  const config = call.kubeconfig()
  if (!config.contexts.some((one) => one.name === from))
    throw new Failure(`cannot rename the context ${JSON.stringify(from)}, it's not in ${config.files[0]}`)
  if (config.contexts.some((one) => one.name === to))
    throw new Failure(
      `cannot rename the context ${JSON.stringify(from)}, the context ${JSON.stringify(to)} already exists in ${config.files[0]}`,
    )
  change(call, `contexts/${from}`, (content) => {
    for (const one of content['contexts']) if (one.name === from) one.name = to
    if (content['current-context'] === from) content['current-context'] = to
  })
  await call.out(`Context ${JSON.stringify(from)} renamed to ${JSON.stringify(to)}.\n`)
}

/** `contexts.lab.namespace` to its parts: the list, the entry's name (which may have dots) and the field. */
function property(path: string): string[] {
  const parts = path.split('.')
  if (parts.length < 3) return parts
  return [parts[0] as string, parts.slice(1, -1).join('.'), parts.at(-1) as string]
}

async function set(call: Call): Promise<undefined> {
  const [path, value] = call.args
  if (path === undefined || value === undefined || call.args.length !== 2)
    throw misuse(call.path, `Unexpected args: [${call.args.join(' ')}]`)
  const [first = '', name, field] = property(path)
  change(call, name ? `${first}/${name}` : first, (content) => {
    if (first === 'current-context') content['current-context'] = value
    else if (!bodies[first] || !name || !field)
      throw new Failure(
        `unable to locate path ${path}: allowed are current-context, clusters.NAME.FIELD, users.NAME.FIELD and contexts.NAME.FIELD`,
      )
    else {
      const entries: any[] = (content[first] ??= [])
      let entry = entries.find((one) => one.name === name)
      if (!entry) entries.push((entry = { name, [bodies[first]]: {} }))
      entry[bodies[first]] = { ...entry[bodies[first]], [field]: value }
    }
  })
  await call.out(`Property ${JSON.stringify(path)} set.\n`)
}

const bodies: Record<string, string> = { clusters: 'cluster', users: 'user', contexts: 'context' }

async function unset(call: Call): Promise<undefined> {
  const path = oneName(call)
  const [first = '', name, field] = path.split('.').length === 2 ? path.split('.') : property(path)
  change(call, name ? `${first}/${name}` : first, (content) => {
    if (first === 'current-context') content['current-context'] = ''
    else if (!name) delete content[first]
    else if (!field) content[first] = (content[first] ?? []).filter((one: any) => one.name !== name)
    else for (const one of content[first] ?? []) if (one.name === name) delete one[bodies[first] ?? '']?.[field]
  })
  await call.out(`Property ${JSON.stringify(path)} unset.\n`)
}

async function view(call: Call): Promise<undefined> {
  const config = call.flags.bool('minify') ? minified(call) : call.kubeconfig()
  const raw = call.flags.bool('raw')
  const listed = <T>(list: readonly T[]): readonly T[] | null => (list.length === 0 ? null : list)
  const shown = {
    apiVersion: 'v1',
    clusters: listed(config.clusters.map((one) => ({ cluster: redacted(one.cluster, raw), name: one.name }))),
    contexts: listed(config.contexts.map(({ context, name }) => ({ context, name }))),
    'current-context': config.currentContext,
    kind: 'Config',
    users: listed(config.users.map((one) => ({ name: one.name, user: redacted(one.user, raw) }))),
  }
  const output = call.flags.text('output')
  if (output === 'json') {
    const named = (list: readonly any[] | null) => list?.map(({ name, ...rest }) => ({ name, ...rest })) ?? null
    const lists = { clusters: named(shown.clusters), users: named(shown.users), contexts: named(shown.contexts) }
    return call.out(
      jsonText({ kind: 'Config', apiVersion: 'v1', ...lists, 'current-context': shown['current-context'] }, true),
    ) as Promise<undefined>
  }
  if (output.startsWith('jsonpath=')) {
    return call.out(jsonPathText(output.slice('jsonpath='.length), shown)) as Promise<undefined>
  }
  if (output !== 'yaml')
    throw new Failure(
      `unable to match a printer suitable for the output format ${JSON.stringify(output)}, allowed formats are: json,jsonpath,yaml`,
    )
  await call.out(yamlText(shown))
}

function minified(call: Call): Kubeconfig {
  const config = call.kubeconfig()
  const name = call.flags.text('context') || config.currentContext
  const context = config.contexts.find((one) => one.name === name)
  if (!context) throw new Failure(name === '' ? 'current-context must exist in order to minify' : `cannot locate context ${name}`)
  return {
    ...config,
    currentContext: name,
    contexts: [context],
    clusters: config.clusters.filter((one) => one.name === context.context.cluster),
    users: config.users.filter((one) => one.name === context.context.user),
  }
}

const secrets: Record<string, string> = {
  'certificate-authority-data': 'DATA+OMITTED',
  'client-certificate-data': 'DATA+OMITTED',
  'client-key-data': 'DATA+OMITTED',
  token: 'REDACTED',
  password: 'REDACTED',
}

function redacted(fields: Record<string, any>, raw: boolean): Record<string, any> {
  return raw
    ? fields
    : Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, value && secrets[key] ? secrets[key] : value]))
}
