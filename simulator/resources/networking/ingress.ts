import type { HTTPIngressPath, Ingress, IngressBackend, IngressSpec } from 'kubernetes-types/networking/v1'
import { parseAddress } from '../addresses.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { invalid, invalidEach, notSupported, required } from '../fields.ts'
import {
  isDns1035Label,
  isDns1123Subdomain,
  isPathSegmentName,
  isValidPortName,
  isValidPortNumber,
  isWildcardDns1123Subdomain,
} from '../names.ts'
import type { Plain } from '../plain.ts'
import { loadBalancerText } from '../service/columns.ts'
import { keepSpec, keepStatus } from '../strategy.ts'

type IngressObject = Plain<Ingress>

function validateIngress(ingress: IngressObject): FieldError[] {
  const spec: IngressSpec = ingress.spec ?? {}
  const errors: FieldError[] = []
  if (!spec.rules?.length && !spec.defaultBackend) {
    errors.push(invalid('spec', spec.rules ?? null, 'either `defaultBackend` or `rules` must be specified'))
  }
  if (spec.defaultBackend) errors.push(...validateBackend('spec.defaultBackend', spec.defaultBackend))
  spec.rules?.forEach((rule, index) => {
    const at = `spec.rules[${index}]`
    if (rule.host) {
      if (parseAddress(rule.host)) errors.push(invalid(`${at}.host`, rule.host, 'must be a DNS name, not an IP address'))
      errors.push(...validateHost(`${at}.host`, rule.host))
    }
    if (!rule.http) return
    if (!rule.http.paths?.length) errors.push(required(`${at}.http.paths`))
    rule.http.paths?.forEach((path, position) => void errors.push(...validatePath(`${at}.http.paths[${position}]`, path)))
  })
  spec.tls?.forEach((tls, index) => {
    const at = `spec.tls[${index}]`
    tls.hosts?.forEach((host, position) => void errors.push(...validateHost(`${at}.hosts[${position}]`, host)))
    if (tls.secretName) errors.push(...invalidEach(`${at}.secretName`, tls.secretName, isDns1123Subdomain(tls.secretName)))
  })
  const name = spec.ingressClassName
  if (name !== undefined) errors.push(...invalidEach('spec.ingressClassName', name, isDns1123Subdomain(name)))
  return errors
}

function validateHost(field: string, host: string): FieldError[] {
  return invalidEach(field, host, host.includes('*') ? isWildcardDns1123Subdomain(host) : isDns1123Subdomain(host))
}

const forbiddenParts = ['//', '/./', '/../', '%2f', '%2F']

function validatePath(at: string, { path = '', pathType, backend }: HTTPIngressPath): FieldError[] {
  if (!pathType) return [required(`${at}.pathType`, 'pathType must be specified')]
  const errors: FieldError[] = []
  if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!path.startsWith('/')) errors.push(invalid(`${at}.path`, path, 'must be an absolute path'))
    for (const part of forbiddenParts) if (path.includes(part)) errors.push(invalid(`${at}.path`, path, `must not contain '${part}'`))
    for (const end of ['/..', '/.']) if (path.endsWith(end)) errors.push(invalid(`${at}.path`, path, `cannot end with '${end}'`))
  } else if (pathType === 'ImplementationSpecific') {
    if (path && !path.startsWith('/')) errors.push(invalid(`${at}.path`, path, 'must be an absolute path'))
  } else errors.push(notSupported(`${at}.pathType`, pathType, ['Exact', 'ImplementationSpecific', 'Prefix']))
  return [...errors, ...validateBackend(`${at}.backend`, backend ?? {})]
}

function validateBackend(at: string, { service, resource }: IngressBackend): FieldError[] {
  if (resource && service) return [invalid(at, '', 'cannot set both resource and service backends')]
  if (resource) {
    return (['kind', 'name'] as const).flatMap((key) =>
      resource[key]
        ? invalidEach(`${at}.resource.${key}`, resource[key], isPathSegmentName(resource[key]))
        : [required(`${at}.resource.${key}`)],
    )
  }
  if (!service) return [invalid(at, '', 'resource or service backend is required')]
  const errors = service.name
    ? invalidEach(`${at}.service.name`, service.name, isDns1035Label(service.name))
    : [required(`${at}.service.name`)]
  const { name, number } = service.port ?? {}
  if (name && number) errors.push(invalid(at, '', 'cannot set both port name & port number'))
  else if (name) errors.push(...invalidEach(`${at}.service.port.name`, name, isValidPortName(name)))
  else if (number) errors.push(...invalidEach(`${at}.service.port.number`, number, isValidPortNumber(number)))
  else errors.push(required(at, 'port name or number is required'))
  return errors
}

const classAnnotation = 'kubernetes.io/ingress.class'

function validateClassAnnotation(ingress: IngressObject): FieldError[] {
  const annotation = ingress.metadata?.annotations?.[classAnnotation]
  const name = ingress.spec?.ingressClassName
  if (annotation === undefined || name === undefined || annotation === name) return []
  return [invalid(`annotations.${classAnnotation}`, annotation, 'must match `ingressClassName` when both are specified')]
}

function hosts(ingress: IngressObject): string {
  const rules = ingress.spec?.rules ?? []
  const named = rules
    .map((rule) => rule.host)
    .filter(Boolean)
    .slice(0, 3)
  if (!named.length) return '*'
  const more = rules.length > 3 && named.length === 3
  return more ? `${named.join(',')} + ${rules.length - 3} more...` : named.join(',')
}

export const ingresses: ResourceDefinition<IngressObject> = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  singular: 'ingress',
  shortNames: ['ing'],
  namespaced: true,
  status: true,
  prepareForCreate: (ingress) => ({ ...ingress, status: { loadBalancer: {} } }),
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate: keepSpec,
  validate: (ingress) => [...validateIngress(ingress), ...validateClassAnnotation(ingress)],
  validateUpdate: validateIngress,
  warnings: (ingress) =>
    ingress.metadata?.annotations?.[classAnnotation] === undefined
      ? []
      : [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`],
  columns: [
    nameColumn,
    column('Class', 'Class of the controller that is to serve it.', ({ spec }) => spec?.ingressClassName ?? '<none>'),
    column('Hosts', 'Hosts that requests are matched against.', hosts),
    column('Address', 'Addresses where it is served.', ({ status }) => loadBalancerText(status?.loadBalancer?.ingress)),
    column('Ports', 'Ports where it is served.', ({ spec }) => (spec?.tls?.length ? '80, 443' : '80')),
    ageColumn,
  ],
}
