import type { Container, EphemeralContainer, Pod, PodSpec, Toleration } from 'kubernetes-types/core/v1'
import type { FieldError } from '../definition.ts'
import { forbidden, invalid, required, sameValue } from '../fields.ts'
import { rangeSentence } from '../names.ts'
import type { Plain } from '../plain.ts'
import { unifiedDiff } from '../unified-diff.ts'

const updatable = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',')

/** What may change in the spec of a pod that exists: core validation's ValidatePodUpdate, after the checks that a new pod passes too. */
export function validatePodSpecUpdate(spec: PodSpec, before: PodSpec): FieldError[] {
  const errors: FieldError[] = []
  for (const kind of ['containers', 'initContainers'] as const) {
    const now = spec[kind] ?? []
    if (now.length !== (before[kind] ?? []).length) {
      return [...errors, forbidden(`spec.${kind}`, 'pod updates may not add or remove containers')]
    }
    now.forEach((container, index) => {
      if (!container.image) errors.push(required(`spec.${kind}[${index}].image`))
    })
  }
  const deadline = spec.activeDeadlineSeconds
  const earlier = before.activeDeadlineSeconds
  if (deadline !== undefined && (deadline < 0 || deadline > 2147483647)) {
    return [...errors, invalid('spec.activeDeadlineSeconds', deadline, rangeSentence(0, 2147483647))]
  }
  if (deadline !== undefined && earlier !== undefined && earlier < deadline) {
    return [...errors, invalid('spec.activeDeadlineSeconds', deadline, 'must be less than or equal to previous value')]
  }
  if (deadline === undefined && earlier !== undefined) {
    errors.push(invalid('spec.activeDeadlineSeconds', null, 'must not update from a positive integer to nil value'))
  }
  if (!(before.tolerations ?? []).every((old) => (spec.tolerations ?? []).some((now) => sameToleration(now, old)))) {
    errors.push(forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'))
  }
  spec.schedulingGates?.forEach((gate, index) => {
    if (before.schedulingGates?.some((old) => old.name === gate.name)) return
    const sentence = `only deletion is allowed, but found new scheduling gate '${gate.name}'`
    errors.push(forbidden(`spec.schedulingGates[${index}].name`, sentence))
  })
  const fixed: PodSpec = {
    ...spec,
    containers: withImagesOf(spec.containers, before.containers),
    activeDeadlineSeconds: earlier,
    tolerations: before.tolerations,
    schedulingGates: before.schedulingGates,
  }
  if (spec.initContainers) fixed.initContainers = withImagesOf(spec.initContainers, before.initContainers ?? [])
  if (before.schedulingGates?.length) Object.assign(fixed, { nodeSelector: before.nodeSelector, affinity: before.affinity })
  const { terminationGracePeriodSeconds: grace = 0 } = before
  if (grace < 0 && fixed.terminationGracePeriodSeconds === 1) fixed.terminationGracePeriodSeconds = grace
  if (!sameValue(fixed, before)) {
    errors.push(forbidden('spec', `pod updates may not change fields other than ${updatable}\n${unifiedDiff(before, fixed)}`))
  }
  return errors
}

function sameToleration(a: Toleration, b: Toleration): boolean {
  return sameValue({ ...a, tolerationSeconds: undefined }, { ...b, tolerationSeconds: undefined })
}

function withImagesOf(containers: Container[], before: readonly Container[]): Container[] {
  return containers.map((container, index) => ({ ...container, image: before[index]?.image }))
}

/** Of the `ephemeralcontainers` subresource: those that are there stay as they are. */
export function validateEphemeralUpdate(pod: Plain<Pod>, previous: Plain<Pod>): FieldError[] {
  if (previous.metadata?.annotations?.['kubernetes.io/config.mirror']) {
    return [forbidden('', 'static pods do not support ephemeral containers')]
  }
  return (previous.spec?.ephemeralContainers ?? []).flatMap((old: EphemeralContainer) => {
    const now = pod.spec?.ephemeralContainers?.find((container) => container.name === old.name)
    if (!now) return [forbidden('spec.ephemeralContainers', `existing ephemeral containers "${old.name}" may not be removed\n`)]
    if (sameValue(now, old)) return []
    const sentence = `existing ephemeral containers "${old.name}" may not be changed\n${unifiedDiff(old, now)}`
    return [forbidden('spec.ephemeralContainers', sentence)]
  })
}
