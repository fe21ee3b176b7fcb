import type { LabelSelector } from 'kubernetes-types/meta/v1'
import type { PodQuery } from '../../network-policy/policy.ts'
import { isEmptySelector } from '../../resources/selectors.ts'

/** Kubernetes' selectors in Calico's selector language, in the canonical form from which Felix makes the ids of IP sets. */
export function queryText({ namespaces, pods }: PodQuery): string {
  return all([namespaceText(namespaces), all(podTerms(pods).map(canonical))])
}

/** A policy's own selector as Felix keeps it: not canonical, as the converter wrote it. */
export function policySelectorText(namespace: string, pods: LabelSelector): string {
  return `(${podTerms(pods).map(written).join(' && ')}) && projectcalico.org/namespace == '${namespace}'`
}

interface Term {
  readonly key: string
  readonly operator: '==' | 'in' | 'not in' | 'has' | '!has'
  readonly values: readonly string[]
}

/** Every pod has Kubernetes as its orchestrator, which sets it apart from host endpoints. */
const orchestrator: Term = { key: 'projectcalico.org/orchestrator', operator: '==', values: ['k8s'] }

function podTerms(selector: LabelSelector): Term[] {
  return [orchestrator, ...terms(selector, '')]
}

function namespaceText(namespaces: PodQuery['namespaces']): string {
  if (typeof namespaces === 'string') return canonical({ key: 'projectcalico.org/namespace', operator: '==', values: [namespaces] })
  if (isEmptySelector(namespaces)) return 'has(projectcalico.org/namespace)'
  return all(terms(namespaces, 'pcns.').map(canonical))
}

function terms({ matchLabels = {}, matchExpressions = [] }: LabelSelector, prefix: string): Term[] {
  const operators = { In: 'in', NotIn: 'not in', Exists: 'has', DoesNotExist: '!has' } as const
  return [
    ...Object.keys(matchLabels)
      .sort()
      .map((key): Term => ({ key: prefix + key, operator: '==', values: [matchLabels[key] as string] })),
    ...matchExpressions.map(
      ({ key, operator, values = [] }): Term => ({
        key: prefix + key,
        operator: operators[operator as keyof typeof operators],
        values,
      }),
    ),
  ]
}

function all(parts: readonly string[]): string {
  return parts.length === 1 ? (parts[0] as string) : `(${parts.join(' && ')})`
}

function canonical({ key, operator, values }: Term): string {
  if (operator === 'has') return `has(${key})`
  if (operator === '!has') return `!has(${key})`
  if (operator === '==') return `${key} == "${values[0]}"`
  return `${key} ${operator} {${[...new Set(values)]
    .sort()
    .map((value) => `"${value}"`)
    .join(', ')}}`
}

function written({ key, operator, values }: Term): string {
  if (operator === 'has') return `has(${key})`
  if (operator === '!has') return `! has(${key})`
  if (operator === '==') return `${key} == '${values[0]}'`
  return `${key} ${operator} { '${values.join("', '")}' }`
}
