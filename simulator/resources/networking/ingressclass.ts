import type { IngressClass, IngressClassParametersReference } from 'kubernetes-types/networking/v1'
import { ageColumn, column, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { forbidden, invalid, notSupported, required, tooLong, unchanged } from '../fields.ts'
import { change, fillText } from '../fill.ts'
import { isDomainPrefixedPath } from '../names.ts'
import type { Plain } from '../plain.ts'

const controllerLimit = 250

function validateClass({ spec }: Plain<IngressClass>): FieldError[] {
  const errors: FieldError[] = []
  const controller = spec?.controller
  if (!controller) errors.push(required('spec.controller'))
  else {
    if (controller.length > controllerLimit) errors.push(tooLong('spec.controller', controllerLimit))
    errors.push(...isDomainPrefixedPath(controller).map(({ value, sentence }) => invalid('spec.controller', value, sentence)))
  }
  return spec?.parameters ? [...errors, ...validateParameters('spec.parameters', spec.parameters)] : errors
}

function validateParameters(at: string, { kind, name, scope, namespace }: IngressClassParametersReference): FieldError[] {
  const errors: FieldError[] = []
  if (!kind) errors.push(required(`${at}.kind`))
  if (!name) errors.push(required(`${at}.name`))
  if (scope !== 'Namespace' && scope !== 'Cluster') errors.push(notSupported(`${at}.scope`, scope ?? '', ['Cluster', 'Namespace']))
  else if (scope === 'Namespace' && namespace === undefined) {
    errors.push(required(`${at}.namespace`, "`parameters.scope` is set to 'Namespace'"))
  } else if (scope === 'Cluster' && namespace !== undefined) {
    errors.push(forbidden(`${at}.namespace`, "`parameters.scope` is set to 'Cluster'"))
  }
  return errors
}

export const ingressclasses: ResourceDefinition<Plain<IngressClass>> = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  singular: 'ingressclass',
  namespaced: false,
  defaults: (one) => change(one, 'spec', (spec) => change(spec, 'parameters', (parameters) => fillText(parameters, { scope: 'Cluster' }))),
  validate: validateClass,
  validateUpdate: (one, previous) => [
    ...unchanged('spec.controller', one.spec?.controller, previous.spec?.controller),
    ...validateClass(one),
  ],
  columns: [
    nameColumn,
    column('Controller', 'Who serves ingresses of the class.', ({ spec }) => spec?.controller ?? ''),
    column('Parameters', 'Object with further settings.', ({ spec }) => {
      const parameters = spec?.parameters
      if (!parameters) return '<none>'
      const kind = parameters.apiGroup ? `${parameters.kind}.${parameters.apiGroup}` : parameters.kind
      return `${kind}/${parameters.name}`
    }),
    ageColumn,
  ],
}
