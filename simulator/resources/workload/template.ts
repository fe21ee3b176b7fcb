import type { PodTemplateSpec } from 'kubernetes-types/core/v1'
import type { LabelSelector } from 'kubernetes-types/meta/v1'
import { containerColumns, selectorColumn } from '../columns.ts'
import type { Column, FieldError, ScaleMapping } from '../definition.ts'
import { forbidden, invalid, invalidEach, notSupported, required } from '../fields.ts'
import { isValidPercent } from '../names.ts'
import type { Plain } from '../plain.ts'
import { validatePodTemplate } from '../pod/spec.ts'
import { isEmptySelector, matchesSelector, selectorText, validateSelector } from '../selectors.ts'

interface Templated {
  spec?: { template?: PodTemplateSpec }
}
interface Workload {
  spec?: { selector?: LabelSelector; template?: PodTemplateSpec }
}
interface Scalable {
  spec?: { selector?: LabelSelector; replicas?: number }
  status?: { replicas?: number }
}

/** What Deployments, ReplicaSets, DaemonSets and StatefulSets ask of their selector and template. `kind` stands in the sentences. */
export function validateSelectorAndTemplate(
  workload: Workload,
  kind: { emptySelector: string; deadline: FieldError; claimedVolumes?: readonly string[] },
): FieldError[] {
  const { selector, template } = workload.spec ?? {}
  const errors: FieldError[] = []
  if (!selector) errors.push(required('spec.selector'))
  else {
    errors.push(...validateSelector('spec.selector', selector))
    if (isEmptySelector(selector)) errors.push(invalid('spec.selector', selector, `empty selector is invalid for ${kind.emptySelector}`))
    else if (!matchesSelector(selector, template?.metadata?.labels)) {
      const labels = template?.metadata?.labels ?? null
      errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'))
    }
  }
  errors.push(...validatePodTemplate('spec.template', template, kind.claimedVolumes))
  const policy = template?.spec?.restartPolicy
  if (policy && policy !== 'Always') errors.push(notSupported('spec.template.spec.restartPolicy', policy, ['Always']))
  if (template?.spec?.activeDeadlineSeconds !== undefined) errors.push(kind.deadline)
  return errors
}

export function noDeadline(kind: string): FieldError {
  return forbidden('spec.template.spec.activeDeadlineSeconds', `activeDeadlineSeconds in ${kind} is not Supported`)
}

export function scaleOf<T extends Plain<Scalable>>(): ScaleMapping<T> {
  return {
    replicas: (object) => object.spec?.replicas ?? 0,
    statusReplicas: (object) => object.status?.replicas ?? 0,
    selector: (object) => selectorText(object.spec?.selector),
    withReplicas: (object, replicas) => ({ ...object, spec: { ...object.spec, replicas } }),
  }
}

/** `selector`: where it stands, for kinds whose selector is no LabelSelector. */
export function templateColumns<T extends Plain<Templated>>(
  selector = (object: T): LabelSelector | undefined => (object as Workload).spec?.selector,
): Column<T>[] {
  return [...containerColumns<T>((object) => object.spec?.template?.spec?.containers), selectorColumn<T>(selector)]
}

/** A number of pods or a share of them, `25%`. */
export function validateCountOrPercent(field: string, value: number | string | undefined): FieldError[] {
  if (value === undefined) return []
  if (typeof value === 'string') {
    const errors = invalidEach(field, value, isValidPercent(value))
    return errors
  }
  return value < 0 ? [invalid(field, value, 'must be greater than or equal to 0')] : []
}

export function notMoreThanAll(field: string, value: number | string | undefined): FieldError[] {
  const percent = percentOf(value)
  return percent !== undefined && percent > 100 ? [invalid(field, value, 'must not be greater than 100%')] : []
}

export function percentOf(value: number | string | undefined): number | undefined {
  return typeof value === 'string' && /^\d+%$/.test(value) ? Number(value.slice(0, -1)) : undefined
}

/** 0 and `0%` are both nothing. */
export function isNone(value: number | string | undefined): boolean {
  return value === undefined || value === 0 || percentOf(value) === 0
}
