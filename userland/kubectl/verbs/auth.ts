import { Failure, isNotFound, SilentExit } from '../cli/failure.ts'
import { bool, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { findType } from '../client/discovery.ts'
import { compactedRules, listText, resourceText } from '../describe/rbac.ts'
import { own } from '../objects/change.ts'
import { objectPrinter, printFlags } from '../print/printer.ts'
import { alignRows } from '../print/tabwriter.ts'
import { refused } from './cluster.ts'

export const authVerb: Verb = {
  name: 'auth',
  about: 'Inspect authorization',
  usage: '[flags] [options]',
  children: [
    {
      name: 'can-i',
      about: 'Check whether an action is allowed',
      examples: [
        'kubectl auth can-i create pods',
        'kubectl auth can-i list secrets --as=system:serviceaccount:shop:default',
        'kubectl auth can-i --list',
      ],
      usage: 'VERB [TYPE | TYPE/NAME | NONRESOURCEURL] [options]',
      flags: [
        bool('all-namespaces', 'In every namespace.', 'A'),
        bool('list', 'All that is allowed.'),
        bool('no-headers', 'Leave the headers out, with --list.'),
        bool('quiet', 'Only the exit code.', 'q'),
        text('subresource', 'Subresource: log, exec.'),
      ],
      run: canI,
    },
    refused(
      'reconcile',
      'Reconciles rules for RBAC role, role binding, cluster role, and cluster role binding objects',
      'use kubectl apply -f',
    ),
    { name: 'whoami', about: 'Experimental: Check self subject attributes', usage: '[options]', flags: [...printFlags], run: whoami },
  ],
}

const resourceVerbs = new Set(
  ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection', 'use', 'bind', 'impersonate', '*'].concat([
    'approve',
    'sign',
    'escalate',
    'attest',
  ]),
)
const pathVerbs = new Set(['get', 'put', 'post', 'head', 'options', 'delete', 'patch', '*'])

async function canI(call: Call): Promise<undefined> {
  const { flags, args } = call
  if (flags.bool('list') && args.length > 0) throw new Failure('list option must be specified with no arguments')
  if (flags.bool('list')) return list(call)
  const [verb, resource, name] = args
  if (verb === undefined || resource === undefined || args.length > 3)
    throw new Failure(
      `you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.`,
    )
  if (!(resource.startsWith('/') ? pathVerbs : resourceVerbs).has(verb)) await call.err(`Warning: verb '${verb}' is not a known verb\n\n`)
  const spec = resource.startsWith('/')
    ? { nonResourceAttributes: { path: resource, verb } }
    : { resourceAttributes: await attributes(call, verb, resource, name) }
  const review = { kind: 'SelfSubjectAccessReview', apiVersion: 'authorization.k8s.io/v1', metadata: {}, spec, status: { allowed: false } }
  const answer = await call.client().json('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { body: review })
  const { allowed, reason, evaluationError } = answer.status ?? {}
  if (!flags.bool('quiet')) {
    const why = (reason ? ` - ${reason}` : '') + (evaluationError ? ` - ${evaluationError}` : '')
    await call.out(`${allowed ? 'yes' : 'no'}${allowed ? '' : why}\n`)
  }
  if (!allowed) throw new SilentExit(1)
}

async function attributes(call: Call, verb: string, word: string, third: string | undefined): Promise<Record<string, unknown>> {
  const [head = '', slashed] = word.split('/')
  const name = third ?? slashed
  let group = ''
  let plural = head
  if (head !== '*') {
    const type = findType(await call.discovery(), head)
    if (type) {
      group = type.group
      plural = type.plural
      if (!type.namespaced)
        await call.err(`Warning: resource '${type.plural}' is not namespace scoped${type.group ? ` in group '${type.group}'` : ''}\n\n`)
    } else {
      const [plain = '', ...rest] = head.split('.')
      plural = plain
      group = rest.join('.')
      await call.err(
        group
          ? `Warning: the server doesn't have a resource type '${plain}' in group '${group}'\n\n`
          : `Warning: the server doesn't have a resource type '${plain}'\n\n`,
      )
    }
  } else group = '*'
  return {
    ...(call.flags.bool('all-namespaces') ? {} : { namespace: call.namespace() }),
    verb,
    ...(group ? { group } : {}),
    resource: plural,
    ...(call.flags.text('subresource') ? { subresource: call.flags.text('subresource') } : {}),
    ...(name ? { name } : {}),
  }
}

async function list(call: Call): Promise<undefined> {
  const review = {
    kind: 'SelfSubjectRulesReview',
    apiVersion: 'authorization.k8s.io/v1',
    metadata: {},
    spec: { namespace: call.namespace() },
  }
  const { status } = await call.client().json('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', { body: review })
  const rules = compactedRules([...(status?.resourceRules ?? []), ...(status?.nonResourceRules ?? [])])
  const rows = rules.map((rule) => [resourceText(rule), listText(rule.nonResourceURLs), listText(rule.resourceNames), listText(rule.verbs)])
  const header = ['Resources', 'Non-Resource URLs', 'Resource Names', 'Verbs']
  await call.out(alignRows(call.flags.bool('no-headers') ? rows : [header, ...rows]))
}

async function whoami(call: Call): Promise<undefined> {
  const body = { kind: 'SelfSubjectReview', apiVersion: 'authentication.k8s.io/v1', metadata: {} }
  const answer = await call
    .client()
    .json('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body })
    .catch((error: unknown) => {
      if (isNotFound(error)) throw new Failure('the selfsubjectreviews API is not enabled in the cluster')
      throw error
    })
  const user = answer.status?.userInfo ?? {}
  const printer = objectPrinter(call)
  if (printer) {
    const { username, uid, groups, extra } = user
    const review = own('SelfSubjectReview', 'authentication.k8s.io/v1', {
      metadata: answer.metadata ?? {},
      status: { userInfo: { username, uid, groups, extra } },
    })
    return call.out(printer.print(review) + printer.done()) as Promise<undefined>
  }
  const rows = [
    ['ATTRIBUTE', 'VALUE'],
    ...(user.username ? [['Username', user.username]] : []),
    ...(user.uid ? [['UID', user.uid]] : []),
    ...(user.groups?.length > 0 ? [['Groups', `[${user.groups.join(' ')}]`]] : []),
    ...Object.entries<string[]>(user.extra ?? {}).map(([key, values]) => [`Extra: ${key}`, `[${values.join(' ')}]`]),
  ]
  await call.out(alignRows(rows))
}
