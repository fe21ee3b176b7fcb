import type {
  Affinity,
  NodeSelector,
  NodeSelectorTerm,
  PodAffinityTerm,
  PodSpec,
  Toleration,
  TopologySpreadConstraint,
} from 'kubernetes-types/core/v1'
import type { FieldError } from '../definition.ts'
import { duplicate, forbidden, invalid, invalidEach, notSupported, required } from '../fields.ts'
import { isDns1123Label, isQualifiedName, isValidLabelValue } from '../names.ts'
import { validateSelector } from '../selectors.ts'

export const taintEffects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

export function validateTolerations(field: string, tolerations: readonly Toleration[]): FieldError[] {
  const errors: FieldError[] = []
  tolerations.forEach((toleration, index) => {
    const at = `${field}[${index}]`
    const { key = '', operator = '', value = '', effect = '', tolerationSeconds } = toleration
    if (key) errors.push(...invalidEach(`${at}.key`, key, isQualifiedName(key)))
    if (!key && operator !== 'Exists') {
      const sentence = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
      errors.push(invalid(`${at}.operator`, operator, sentence))
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      errors.push(invalid(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"))
    }
    if (operator === 'Equal' || operator === '') {
      const sentences = isValidLabelValue(value)
      if (sentences.length) errors.push(invalid(`${at}.operator`, value, sentences.join(';')))
    } else if (operator === 'Exists') {
      if (value) errors.push(invalid(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'"))
    } else errors.push(notSupported(`${at}.operator`, operator, ['Equal', 'Exists']))
    if (effect && !taintEffects.includes(effect)) errors.push(notSupported(`${at}.effect`, effect, taintEffects))
  })
  return errors
}

export function validateAffinity(field: string, affinity: Affinity | undefined): FieldError[] {
  if (!affinity) return []
  const errors: FieldError[] = []
  const hard = affinity.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  const node = `${field}.nodeAffinity`
  if (hard) errors.push(...validateNodeSelector(`${node}.requiredDuringSchedulingIgnoredDuringExecution`, hard))
  affinity.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution?.forEach(({ weight = 0, preference = {} }, index) => {
    const at = `${node}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`
    if (weight <= 0 || weight > 100) errors.push(invalid(`${at}.weight`, weight, 'must be in the range 1-100'))
    errors.push(...validateNodeTerm(`${at}.preference`, preference))
  })
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const at = `${field}.${kind}`
    affinity[kind]?.requiredDuringSchedulingIgnoredDuringExecution?.forEach(
      (term, index) => void errors.push(...validatePodTerm(`${at}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`, term)),
    )
    affinity[kind]?.preferredDuringSchedulingIgnoredDuringExecution?.forEach(
      ({ weight = 0, podAffinityTerm = { topologyKey: '' } }, index) => {
        const field = `${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`
        if (weight <= 0 || weight > 100) errors.push(invalid(`${field}.weight`, weight, 'must be in the range 1-100'))
        errors.push(...validatePodTerm(`${field}.podAffinityTerm`, podAffinityTerm))
      },
    )
  }
  return errors
}

export function validateNodeSelector(field: string, selector: NodeSelector): FieldError[] {
  const at = `${field}.nodeSelectorTerms`
  if (!selector.nodeSelectorTerms?.length) return [required(at, 'must have at least one node selector term')]
  return selector.nodeSelectorTerms.flatMap((term, index) => validateNodeTerm(`${at}[${index}]`, term))
}

const nodeOperators = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']

function validateNodeTerm(field: string, term: NodeSelectorTerm): FieldError[] {
  return (term.matchExpressions ?? []).flatMap(({ key = '', operator, values = [] }, index) => {
    const at = `${field}.matchExpressions[${index}]`
    const errors: FieldError[] = []
    if ((operator === 'In' || operator === 'NotIn') && !values.length) {
      errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
    } else if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length) {
      errors.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
    } else if ((operator === 'Gt' || operator === 'Lt') && values.length !== 1) {
      errors.push(required(`${at}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"))
    } else if (!nodeOperators.includes(operator)) errors.push(invalid(`${at}.operator`, operator ?? '', 'not a valid selector operator'))
    errors.push(...invalidEach(`${at}.key`, key, isQualifiedName(key)))
    return errors
  })
}

function validatePodTerm(field: string, term: PodAffinityTerm): FieldError[] {
  const errors = [
    ...validateSelector(`${field}.labelSelector`, term.labelSelector),
    ...validateSelector(`${field}.namespaceSelector`, term.namespaceSelector),
  ]
  for (const namespace of term.namespaces ?? []) {
    errors.push(...invalidEach(`${field}.namespace`, namespace, isDns1123Label(namespace)))
  }
  if (!term.topologyKey) errors.push(required(`${field}.topologyKey`, 'can not be empty'))
  else errors.push(...invalidEach(`${field}.topologyKey`, term.topologyKey, isQualifiedName(term.topologyKey)))
  return errors
}

export function validateTopologySpread(field: string, constraints: readonly TopologySpreadConstraint[]): FieldError[] {
  const errors: FieldError[] = []
  constraints.forEach((constraint, index) => {
    const at = `${field}[${index}]`
    if (!(constraint.maxSkew > 0)) errors.push(invalid(`${at}.maxSkew`, constraint.maxSkew ?? 0, 'must be greater than zero'))
    if (!constraint.topologyKey) errors.push(required(`${at}.topologyKey`, 'can not be empty'))
    const actions = ['DoNotSchedule', 'ScheduleAnyway']
    if (!actions.includes(constraint.whenUnsatisfiable)) {
      errors.push(notSupported(`${at}.whenUnsatisfiable`, constraint.whenUnsatisfiable ?? '', actions))
    }
    const pair = (one: TopologySpreadConstraint) => `${one.topologyKey}\0${one.whenUnsatisfiable}`
    if (constraints.slice(index + 1).some((other) => pair(other) === pair(constraint))) {
      const value = `{${constraint.topologyKey}, ${constraint.whenUnsatisfiable}}`
      errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, value))
    }
    errors.push(...validateSelector(`${at}.labelSelector`, constraint.labelSelector))
  })
  return errors
}

export function validateSchedulingGates(field: string, spec: PodSpec): FieldError[] {
  const seen = new Set<string>()
  return (spec.schedulingGates ?? []).flatMap(({ name }, index) => {
    const errors = invalidEach(`${field}[${index}]`, name, isQualifiedName(name))
    if (seen.has(name)) errors.push(duplicate(`${field}[${index}]`, name))
    seen.add(name)
    return errors
  })
}
