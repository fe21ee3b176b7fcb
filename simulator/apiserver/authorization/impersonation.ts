import { percentDecoded } from '../../network/http-message.ts'
import type { UserInfo } from '../api.ts'
import { type Attributes, type Authorize, refusalOf } from '../http/reviews.ts'
import { forbidden, unknownError } from '../status.ts'

/** As `Headers` lists them. */
export interface HeaderList {
  forEach(visit: (value: string, name: string) => void): void
}

/** One thing that the request wants to be, as an object reference. */
interface Wanted {
  readonly kind: 'ServiceAccount' | 'User' | 'Group' | 'UserExtra' | 'UID'
  readonly name: string
  readonly namespace?: string
  /** The key of an extra. */
  readonly key?: string
}

const authentication = 'authentication.k8s.io'
const extraPrefix = 'impersonate-extra-'

/**
 * Who a request acts as (WithImpersonation of apiserver/pkg/endpoints/filters): the user itself without Impersonate- headers, else the
 * wanted one, once `user` was found to have the verb `impersonate` on each part of it.
 * `Headers` joins repeated headers with a comma and a blank, so groups and extras are split there.
 * Throws Forbidden, and an error of code 500 where there is no user name to go with groups, extras or a UID.
 */
export function effectiveUser(headers: HeaderList, user: UserInfo, authorize: Authorize): UserInfo {
  const wanted = wantedOf(headers)
  if (wanted.length === 0) return user
  for (const one of wanted) {
    const attributes = attributesOf(one)
    const decision = authorize(user, attributes)
    if (decision.allowed) continue
    const why = refusalOf(user, attributes) + (decision.reason ? `: ${decision.reason}` : '')
    throw forbidden({ group: attributes.group ?? '', resource: attributes.resource!, name: one.name }, why)
  }
  return made(wanted)
}

function wantedOf(headers: HeaderList): Wanted[] {
  const groups: Wanted[] = []
  const extras: Wanted[] = []
  let username = ''
  let uid = ''
  headers.forEach((value, header) => {
    const name = header.toLowerCase()
    if (name === 'impersonate-user') username ||= value
    else if (name === 'impersonate-uid') uid ||= value
    else if (name === 'impersonate-group') groups.push(...value.split(', ').map((group) => ({ kind: 'Group' as const, name: group })))
    else if (name.startsWith(extraPrefix)) {
      // Percent-encoded, because header names know no capitals and few signs.
      const key = percentDecoded(name.slice(extraPrefix.length))
      extras.push(...value.split(', ').map((one) => ({ kind: 'UserExtra' as const, name: one, key })))
    }
  })
  const rest: Wanted[] = [...groups, ...extras, ...(uid ? [{ kind: 'UID' as const, name: uid }] : [])]
  if (username) return [subjectOf(username), ...rest]
  if (rest.length > 0) throw unknownError(`requested [${rest.map(reference).join(' ')}] without impersonating a user`)
  return []
}

function subjectOf(username: string): Wanted {
  const [, namespace, name] = /^system:serviceaccount:([a-z0-9-]+):([a-z0-9.-]+)$/.exec(username) ?? []
  return namespace && name ? { kind: 'ServiceAccount', namespace, name } : { kind: 'User', name: username }
}

/** An ObjectReference as Go prints the struct: kind, namespace, name, uid, version, resource version, field path. */
function reference({ kind, name, namespace = '', key = '' }: Wanted): string {
  const version = kind === 'UserExtra' || kind === 'UID' ? `${authentication}/v1` : ''
  return `{${[kind, namespace, name, '', version, '', key].join(' ')}}`
}

function attributesOf({ kind, name, namespace, key }: Wanted): Attributes {
  const verb = 'impersonate'
  switch (kind) {
    case 'ServiceAccount':
      return { verb, group: '', version: 'v1', resource: 'serviceaccounts', namespace: namespace!, name }
    case 'User':
      return { verb, group: '', version: 'v1', resource: 'users', name }
    case 'Group':
      return { verb, group: '', version: 'v1', resource: 'groups', name }
    case 'UserExtra':
      return { verb, group: authentication, version: 'v1', resource: 'userextras', subresource: key!, name }
    case 'UID':
      return { verb, group: authentication, version: 'v1', resource: 'uids', name }
  }
}

function made(wanted: readonly Wanted[]): UserInfo {
  const [subject] = wanted
  const { name, namespace } = subject!
  const account = subject!.kind === 'ServiceAccount'
  const username = account ? `system:serviceaccount:${namespace}:${name}` : name
  const groups = wanted.filter(({ kind }) => kind === 'Group').map((group) => group.name)
  // A service account's groups are known; given ones are taken at their word.
  if (account && groups.length === 0) groups.push('system:serviceaccounts', `system:serviceaccounts:${namespace}`)
  if (username === 'system:anonymous') {
    if (!groups.includes('system:unauthenticated')) groups.push('system:unauthenticated')
  } else if (!groups.includes('system:authenticated') && !groups.includes('system:unauthenticated')) groups.push('system:authenticated')
  const extra: Record<string, string[]> = {}
  for (const { kind, key, name: value } of wanted) if (kind === 'UserExtra') (extra[key!] ??= []).push(value)
  const uid = wanted.find(({ kind }) => kind === 'UID')?.name
  return { username, groups, ...(uid && { uid }), ...(Object.keys(extra).length > 0 && { extra }) }
}
