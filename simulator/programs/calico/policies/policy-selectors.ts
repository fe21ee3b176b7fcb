import { parseSelector, type Selector } from '../selectors/selector.ts'
import { SelectorError } from '../selectors/tokens.ts'
import type { EntityObject } from './policy-objects.ts'

/** Labels that Calico gives to whatever its policies select. */
export const ownLabels = {
  namespace: 'projectcalico.org/namespace',
  account: 'projectcalico.org/serviceaccount',
  orchestrator: 'projectcalico.org/orchestrator',
  name: 'projectcalico.org/name',
} as const
/** Before the labels that come from the namespace, and from the service account. */
export const inherited = { namespace: 'pcns.', account: 'pcsa.' } as const

/** Which endpoints a policy is about: its selectors as one (libcalico-go's update processors, whose replacing of words this follows). */
export function policySelector(
  namespace: string | undefined,
  { selector = '', namespaceSelector = '', serviceAccountSelector = '' }: Readonly<Partial<Record<string, string>>>,
): Selector {
  if (namespace !== undefined) {
    const here = `${ownLabels.namespace} == '${namespace}'`
    return parseSelector(also(selector === '' ? here : `(${selector}) && ${here}`, serviceAccountSelector, inherited.account))
  }
  let whole = selector
  if (namespaceSelector !== '') {
    whole = also(whole, namespaceSelector, inherited.namespace).replaceAll('all()', `has(${ownLabels.namespace})`)
  }
  if (serviceAccountSelector !== '') {
    whole = also(whole, serviceAccountSelector, inherited.account).replaceAll('all()', `has(${ownLabels.account})`)
  }
  return parseSelector(whole)
}

/** Whom a rule is about on one side; undefined: everybody, endpoint or not. */
export function entitySelector(entity: EntityObject, namespace: string | undefined): string {
  const { selector = '', namespaceSelector = '', notSelector = '', serviceAccounts } = entity
  const accounts = serviceAccounts ? accountText(serviceAccounts) : ''
  let where = ''
  if (namespaceSelector !== '') {
    where = parseSelector(namespaceSelector, inherited.namespace)
      .text.replaceAll('all()', `has(${ownLabels.namespace})`)
      .replaceAll('global()', `!has(${ownLabels.namespace})`)
  } else if (namespace !== undefined) where = `${ownLabels.namespace} == '${namespace}'`
  const parts = [accounts, selector].filter((part) => part !== '')
  const who = parts.length > 1 ? `(${parts.join(') && (')})` : (parts[0] ?? '')
  if (where === '' || (who === '' && notSelector === '' && namespaceSelector === '')) return who
  return who === '' ? where : `(${where}) && (${who})`
}

function accountText({ names = [], selector = '' }: NonNullable<EntityObject['serviceAccounts']>): string {
  const labels = selector === '' ? '' : parseSelector(selector, inherited.account).text
  if (names.length === 0) return labels
  const named = parseSelector(`${ownLabels.account} in { '${names.join("', '")}' }`).text
  return labels === '' ? named : `(${labels}) && (${named})`
}

/** A second selector that cannot be read is left out, as upstream does; the first is checked with the whole. */
function also(selector: string, more: string, prefix: string): string {
  if (more === '') return selector
  let text: string
  try {
    text = parseSelector(more, prefix).text
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error
    return selector
  }
  return selector === '' ? text : `(${selector}) && (${text})`
}
