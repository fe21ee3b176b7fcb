import { Failure } from '../cli/failure.ts'
import type { Flag } from '../cli/flags.ts'
import { array } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { report, sendChange } from '../objects/change.ts'
import { namedTargets, nothingNamed, visit } from '../objects/targets.ts'

const apiGroup = 'rbac.authorization.k8s.io'

export function setSubject(common: readonly Flag[]): Verb {
  return {
    name: 'subject',
    about: 'Update the user, group, or service account in a role binding or cluster role binding',
    usage: '(-f FILENAME | TYPE NAME) [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [options]',
    flags: [
      array('group', 'Group to bind the role to.'),
      array('serviceaccount', 'NAMESPACE:NAME of a service account to bind the role to.'),
      array('user', 'User to bind the role to.'),
      ...common,
    ],
    run,
  }
}

async function run(call: Call): Promise<undefined> {
  const { flags, args } = call
  if (args.length === 0 && flags.list('filename').length === 0) throw new Failure(nothingNamed)
  const subjects = subjectsOf(call)
  const options = { all: flags.bool('all'), selector: flags.text('selector') }
  await visit(call, await namedTargets(call, args, options), options, async (info) => {
    if (info.type.kind !== 'RoleBinding' && info.type.kind !== 'ClusterRoleBinding')
      throw new Failure(`${info.type.plural}/${info.name} setting subjects is only supported for RoleBinding/ClusterRoleBinding`)
    // Go's type leaves an empty group out.
    const known = ((info.object['subjects'] as Record<string, unknown>[] | undefined) ?? []).map(({ apiGroup: group, ...one }) =>
      group ? { apiGroup: group, ...one } : one,
    )
    const same = (a: Record<string, unknown>, b: Record<string, unknown>) =>
      a['kind'] === b['kind'] && a['name'] === b['name'] && (a['namespace'] ?? '') === (b['namespace'] ?? '')
    const added = subjects.filter((one) => !known.some((other) => same(one, other)))
    if (added.length === 0) return
    const sent = await sendChange(call, info, { ...info.object, subjects: [...known, ...added] })
    if (sent) await report(call, info.type, sent, 'subjects updated')
  })
}

function subjectsOf({ flags }: Call): Record<string, unknown>[] {
  const [users, groups, accounts] = [flags.list('user'), flags.list('group'), flags.list('serviceaccount')]
  if (users.length + groups.length + accounts.length === 0)
    throw new Failure('you must specify at least one value of user, group or serviceaccount')
  return [
    ...users.sort().map((name) => ({ kind: 'User', apiGroup, name })),
    ...groups.sort().map((name) => ({ kind: 'Group', apiGroup, name })),
    ...accounts.sort().map((one) => {
      const [namespace, name, ...more] = one.split(':')
      if (!namespace || !name || more.length > 0) throw new Failure('serviceaccount must be <namespace>:<name>')
      return { kind: 'ServiceAccount', namespace, name }
    }),
  ]
}
