import type { FieldError } from '../definition.ts'
import { invalid, required } from '../fields.ts'
import type { CustomResourceDefinition } from './types.ts'

export const approvalAnnotation = 'api-approved.kubernetes.io'
const see = 'see https://github.com/kubernetes/enhancements/pull/1111'

export interface Approval {
  readonly state: 'missing' | 'invalid' | 'bypassed' | 'approved'
  readonly reason: string
}

/** Whether the Kubernetes community has agreed to a kind in one of its own groups; undefined for everybody else's groups. */
export function approvalOf({ spec, metadata }: CustomResourceDefinition): Approval | undefined {
  const { group = '' } = spec
  if (!['k8s.io', 'kubernetes.io'].some((domain) => group === domain || group.endsWith(`.${domain}`))) return undefined
  const value = metadata?.annotations?.[approvalAnnotation] ?? ''
  const must = `protected groups must have approval annotation "${approvalAnnotation}"`
  if (value === '') return { state: 'missing', reason: `${must}, ${see}` }
  if (value.startsWith('unapproved')) return { state: 'bypassed', reason: `not approved: ${JSON.stringify(value)}` }
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/\s]/i.test(value)) {
    return { state: 'invalid', reason: `${must} with either a URL or a reason starting with "unapproved", ${see}` }
  }
  return { state: 'approved', reason: `approved in ${value}` }
}

export function approvalErrors(definition: CustomResourceDefinition, previous?: CustomResourceDefinition): FieldError[] {
  const approval = approvalOf(definition)
  if (!approval || (previous && approvalOf(previous)?.state === approval.state)) return []
  const field = `metadata.annotations[${approvalAnnotation}]`
  if (approval.state === 'missing') return [required(field, approval.reason)]
  if (approval.state === 'invalid') return [invalid(field, definition.metadata?.annotations?.[approvalAnnotation], approval.reason)]
  return []
}
