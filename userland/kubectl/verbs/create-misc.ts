import { Failure, PlainFailure } from '../cli/failure.ts'
import { array, bool, int, list, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import type { Discovery } from '../client/discovery.ts'
import { findType } from '../client/discovery.ts'
import { own } from '../objects/change.ts'
import { createToken } from './create-token.ts'
import { createGenerated, generatorFlags, nameArgument } from './generate.ts'
import { checkQuantity } from './quantity.ts'

const namespace: Verb = {
  name: 'namespace',
  aliases: ['ns'],
  about: 'Create a namespace with the specified name',
  usage: 'NAME [--dry-run=server|client|none] [options]',
  flags: generatorFlags,
  run: (call) => createGenerated(call, own('Namespace', 'v1', { metadata: { name: nameArgument(call) }, spec: {}, status: {} })),
}

const serviceAccount: Verb = {
  name: 'serviceaccount',
  aliases: ['sa'],
  about: 'Create a service account with the specified name',
  usage: 'NAME [--dry-run=server|client|none] [options]',
  flags: generatorFlags,
  run: (call) => createGenerated(call, own('ServiceAccount', 'v1', { metadata: { name: nameArgument(call) } }), 'serviceaccount'),
}

const quota: Verb = {
  name: 'quota',
  aliases: ['resourcequota'],
  about: 'Create a quota with the specified name',
  usage: 'NAME [--hard=key1=value1,key2=value2] [--scopes=Scope1,Scope2] [options]',
  flags: [
    text('hard', 'RESOURCE=AMOUNT pairs that are not to be exceeded.'),
    text('scopes', 'Scopes that the quota counts.'),
    ...generatorFlags,
  ],
  run(call) {
    const hard = Object.fromEntries(call.flags.text('hard').split(',').filter(Boolean).map(hardLimit))
    const scopes = call.flags.text('scopes').split(',').filter(Boolean)
    const spec = { ...(Object.keys(hard).length > 0 ? { hard } : {}), ...(scopes.length > 0 ? { scopes } : {}) }
    return createGenerated(call, own('ResourceQuota', 'v1', { metadata: { name: nameArgument(call) }, spec, status: {} }), 'quota')
  },
}

function hardLimit(pair: string): [string, string] {
  const [key = '', value, ...more] = pair.split('=')
  if (value === undefined || more.length > 0) throw new Failure(`Invalid argument syntax ${pair}, expected <resource>=<value>`)
  checkQuantity(value)
  return [key, value]
}

function pairs(text: string): [string, string][] {
  return text
    .split(',')
    .filter(Boolean)
    .map((pair) => {
      const [key = '', value] = pair.split('=')
      if (value === undefined) throw new Failure(`invalid argument syntax, expected key=value: ${pair}`)
      return [key, value]
    })
}

const ruleFlags = [
  list('resource', 'Resource that the rule is about: TYPE, TYPE.GROUP or TYPE/SUBRESOURCE.'),
  array('resource-name', 'Name of an object that the rule is about.'),
  list('verb', 'Verb that the rule allows.'),
]

const role: Verb = {
  name: 'role',
  about: 'Create a role with single rule',
  usage: 'NAME --verb=verb --resource=resource.group/subresource [--resource-name=resourcename] [options]',
  flags: [...ruleFlags, ...generatorFlags],
  run: async (call) =>
    createGenerated(
      call,
      own('Role', 'rbac.authorization.k8s.io/v1', { metadata: { name: nameArgument(call) }, rules: await rules(call) }),
      'role',
    ),
}

const clusterRole: Verb = {
  name: 'clusterrole',
  about: 'Create a cluster role',
  usage: 'NAME --verb=verb --resource=resource.group [--resource-name=resourcename] [options]',
  flags: [
    text('aggregation-rule', 'KEY=VALUE of the cluster roles to put together.'),
    ...ruleFlags,
    list('non-resource-url', 'Path that the rule is about.'),
    ...generatorFlags,
  ],
  async run(call) {
    const metadata = { name: nameArgument(call) }
    const rest = call.flags.text('aggregation-rule')
      ? { rules: null, aggregationRule: aggregation(call) }
      : { rules: await clusterRules(call) }
    return createGenerated(call, own('ClusterRole', 'rbac.authorization.k8s.io/v1', { metadata, ...rest }))
  },
}

function aggregation(call: Call) {
  if (['verb', 'resource', 'resource-name', 'non-resource-url'].some((flag) => call.flags.changed(flag)))
    throw new Failure('aggregation rule must be specified without nonResourceURLs, resources or resourceNames')
  return { clusterRoleSelectors: [{ matchLabels: Object.fromEntries(pairs(call.flags.text('aggregation-rule'))) }] }
}

async function clusterRules(call: Call): Promise<Record<string, unknown>[]> {
  const verbs = [...new Set(call.flags.list('verb'))]
  const urls = call.flags.list('non-resource-url')
  if (verbs.length === 0) throw new Failure('at least one verb must be specified')
  if (urls.length === 0 && call.flags.list('resource').length === 0)
    throw new Failure('one of resource or nonResourceURL must be specified')
  const onPaths = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options', '*']
  for (const verb of urls.length > 0 ? verbs : [])
    if (!onPaths.includes(verb)) throw new Failure(`invalid verb: '${verb}' for nonResourceURL`)
  for (const url of urls) {
    if (url !== '*' && !url.startsWith('/')) throw new Failure('nonResourceURL should start with /')
    if (/\*./.test(url)) throw new Failure("nonResourceURL only supports wildcard matches when *' is at the end")
  }
  return [
    ...(call.flags.list('resource').length > 0 ? await rules(call) : []),
    ...(urls.length > 0 ? [{ verbs, nonResourceURLs: urls }] : []),
  ]
}

const standard = new Set(
  [
    '*',
    'get',
    'delete',
    'list',
    'create',
    'update',
    'patch',
    'watch',
    'proxy',
    'deletecollection',
    'use',
    'bind',
    'approve',
    'sign',
  ].concat(['escalate', 'impersonate']),
)

/** The sentence about an unknown type comes without its prefix here, as an error of the REST mapper does. */
function found(discovery: Discovery, word: string) {
  const type = findType(discovery, word)
  if (!type) throw new PlainFailure(`the server doesn't have a resource type ${JSON.stringify(word)}`)
  return type
}

async function rules(call: Call): Promise<Record<string, unknown>[]> {
  const verbs = [...new Set(call.flags.list('verb'))]
  if (verbs.length === 0) throw new Failure('at least one verb must be specified')
  const words = call.flags.list('resource')
  if (words.length === 0) throw new Failure('at least one resource must be specified')
  const names = call.flags.list('resource-name')
  const discovery = await call.discovery()
  for (const verb of verbs) if (!standard.has(verb)) await call.err(`Warning: '${verb}' is not a standard resource verb\n`)
  const byGroup = new Map<string, string[]>()
  for (const word of words) {
    const [head = '', subresource] = word.split('/')
    const type = head.startsWith('*') ? { group: head.slice(2), plural: '*' } : found(discovery, head)
    byGroup.set(type.group, [...(byGroup.get(type.group) ?? []), subresource ? `${type.plural}/${subresource}` : type.plural])
  }
  return [...byGroup]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([group, resources]) => ({
      verbs: verbs.includes('*') ? ['*'] : verbs,
      apiGroups: [group],
      resources,
      ...(names.length > 0 ? { resourceNames: names } : {}),
    }))
}

function bindingVerb(name: string, kind: string, about: string): Verb {
  const cluster = kind === 'ClusterRoleBinding'
  return {
    name,
    about,
    usage: `NAME ${cluster ? '--clusterrole=NAME' : '--clusterrole=NAME|--role=NAME'} [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [options]`,
    flags: [
      text('clusterrole', 'Cluster role to bind.'),
      ...(cluster ? [] : [text('role', 'Role to bind.')]),
      array('group', 'Group to bind it to.'),
      array('serviceaccount', 'NAMESPACE:NAME of a service account to bind it to.'),
      array('user', 'User to bind it to.'),
      ...generatorFlags,
    ],
    ...(cluster ? { required: ['clusterrole'] } : {}),
    async run(call) {
      const { flags } = call
      const roleName = cluster ? '' : flags.text('role')
      if ((flags.text('clusterrole') === '') === (roleName === ''))
        throw new Failure(cluster ? 'clusterrole must be specified' : 'exactly one of clusterrole or role must be specified')
      const apiGroup = 'rbac.authorization.k8s.io'
      const subjects = [
        ...flags.list('user').map((one) => ({ kind: 'User', apiGroup, name: one })),
        ...flags.list('group').map((one) => ({ kind: 'Group', apiGroup, name: one })),
        ...flags.list('serviceaccount').map((one) => {
          const [space, account] = one.split(':')
          if (!space || !account) throw new Failure('serviceaccount must be <namespace>:<name>')
          return { kind: 'ServiceAccount', name: account, namespace: space }
        }),
      ]
      const roleRef = { apiGroup, kind: roleName ? 'Role' : 'ClusterRole', name: roleName || flags.text('clusterrole') }
      const rest = { metadata: { name: nameArgument(call) }, ...(subjects.length > 0 ? { subjects } : {}), roleRef }
      return createGenerated(call, own(kind, 'rbac.authorization.k8s.io/v1', rest), name)
    },
  }
}

const ingress: Verb = {
  name: 'ingress',
  aliases: ['ing'],
  about: 'Create an ingress with the specified name',
  usage: 'NAME --rule=host/path=service:port[,tls[=secret]] [options]',
  flags: [
    array('annotation', 'KEY=VALUE to annotate it with.'),
    text('class', 'Ingress class.'),
    text('default-backend', 'SERVICE:PORT for what no rule takes.'),
    array('rule', 'HOST/PATH=SERVICE:PORT[,tls=SECRET].'),
    ...generatorFlags,
  ],
  async run(call) {
    const name = nameArgument(call)
    const given = call.flags.list('rule')
    const fallback = call.flags.text('default-backend')
    if (given.length === 0 && !fallback)
      throw new Failure(
        'not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)',
      )
    if (fallback && !/^[^:]+:[^:]+$/.test(fallback)) throw new Failure('default-backend should be in format servicename:serviceport')
    const parsed = given.map(ingressRule)
    const hosts = [...new Set(parsed.map((one) => one.host))]
    const httpRules = hosts.map((host) => ({
      ...(host ? { host } : {}),
      http: { paths: parsed.filter((one) => one.host === host).map((one) => one.path) },
    }))
    const tls = parsed
      .filter((one) => one.tls !== undefined)
      .map((one) => ({ ...(one.host ? { hosts: [one.host] } : {}), ...(one.tls ? { secretName: one.tls } : {}) }))
    const annotations = Object.fromEntries(call.flags.list('annotation').map(annotation))
    const spec = {
      ...(call.flags.text('class') ? { ingressClassName: call.flags.text('class') } : {}),
      ...(fallback ? { defaultBackend: backend(fallback) } : {}),
      ...(tls.length > 0 ? { tls } : {}),
      ...(httpRules.length > 0 ? { rules: httpRules } : {}),
    }
    const metadata = { name, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) }
    return createGenerated(call, own('Ingress', 'networking.k8s.io/v1', { metadata, spec, status: { loadBalancer: {} } }), 'ingress')
  },
}

function annotation(word: string): [string, string] {
  const equals = word.indexOf('=')
  if (equals < 1) throw new Failure(`annotation ${word} is invalid and should be in format key=[value]`)
  return [word.slice(0, equals), word.slice(equals + 1)]
}

function ingressRule(word: string) {
  const match = /^([^/=]*)(\/[^=]*)?=([^,]+)(?:,tls(?:=(.*))?)?$/.exec(word)
  if (!match) throw new Failure(`rule ${word} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]`)
  const [, host = '', path = '', service = ''] = match
  const prefix = path.endsWith('*')
  const shown = prefix ? path.slice(0, -1) : path
  return {
    host,
    path: { path: shown, pathType: prefix ? 'Prefix' : 'Exact', backend: backend(service) },
    tls: /,tls/.test(word) ? (match[4] ?? '') : undefined,
  }
}

function backend(word: string) {
  const [name = '', port = ''] = word.split(':')
  return { service: { name, port: /^\d+$/.test(port) ? { number: Number(port) } : { name: port } } }
}

const priorityClass: Verb = {
  name: 'priorityclass',
  aliases: ['pc'],
  about: 'Create a priority class with the specified name',
  usage: 'NAME --value=VALUE --global-default=BOOL [options]',
  flags: [
    text('description', 'What the class is for.'),
    bool('global-default', 'Pods without a class get this one.'),
    text('preemption-policy', 'PreemptLowerPriority or Never.', undefined, 'PreemptLowerPriority'),
    int('value', 'The priority.'),
    ...generatorFlags,
  ],
  run(call) {
    const { flags } = call
    const rest = {
      metadata: { name: nameArgument(call) },
      value: flags.number('value'),
      ...(flags.bool('global-default') ? { globalDefault: true } : {}),
      ...(flags.text('description') ? { description: flags.text('description') } : {}),
      preemptionPolicy: flags.text('preemption-policy'),
    }
    return createGenerated(call, own('PriorityClass', 'scheduling.k8s.io/v1', rest), 'priorityclass')
  },
}

const pdb: Verb = {
  name: 'poddisruptionbudget',
  aliases: ['pdb'],
  about: 'Create a pod disruption budget with the specified name',
  usage: 'NAME --selector=SELECTOR --min-available=N [options]',
  flags: [
    text('max-unavailable', 'How many pods may be missing: a number or a percentage.'),
    text('min-available', 'How many pods must stay: a number or a percentage.'),
    text('selector', 'Label selector of the pods: KEY=VALUE pairs.'),
    ...generatorFlags,
  ],
  run(call) {
    const { flags } = call
    if (!flags.text('selector')) throw new Failure('a selector must be specified')
    if (flags.text('min-available') && flags.text('max-unavailable'))
      throw new Failure('min-available and max-unavailable cannot be both specified')
    for (const flag of ['min-available', 'max-unavailable'])
      if (!/^(\d+%?)?$/.test(flags.text(flag))) throw new Failure(`invalid format specified for ${flag}`)
    if ((flags.text('min-available') === '') === (flags.text('max-unavailable') === ''))
      throw new Failure('one of min-available or max-unavailable must be specified')
    const amount = (text: string) => (/^\d+$/.test(text) ? Number(text) : text)
    const spec = {
      ...(flags.text('min-available') ? { minAvailable: amount(flags.text('min-available')) } : {}),
      selector: { matchLabels: Object.fromEntries(pairs(flags.text('selector'))) },
      ...(flags.text('max-unavailable') ? { maxUnavailable: amount(flags.text('max-unavailable')) } : {}),
    }
    const status = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 }
    return createGenerated(
      call,
      own('PodDisruptionBudget', 'policy/v1', { metadata: { name: nameArgument(call) }, spec, status }),
      'poddisruptionbudgets',
    )
  },
}

export const createMisc: readonly Verb[] = [
  clusterRole,
  bindingVerb('clusterrolebinding', 'ClusterRoleBinding', 'Create a cluster role binding for a particular cluster role'),
  ingress,
  namespace,
  pdb,
  priorityClass,
  quota,
  role,
  bindingVerb('rolebinding', 'RoleBinding', 'Create a role binding for a particular role or cluster role'),
  serviceAccount,
  createToken,
]
