import type { LifecycleHandler, Probe } from 'kubernetes-types/core/v1'
import type { FieldError } from '../definition.ts'
import { forbidden, invalid, invalidEach, nonNegative, notSupported, required } from '../fields.ts'
import { isHttpHeaderName, isValidPortName, isValidPortNumber } from '../names.ts'

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & Pick<LifecycleHandler, 'sleep'>
const kinds = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const

export function validateProbe(field: string, probe: Probe, kind: 'livenessProbe' | 'readinessProbe' | 'startupProbe'): FieldError[] {
  const errors = validateHandler(field, probe)
  for (const key of ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const) {
    errors.push(...nonNegative(`${field}.${key}`, probe[key]))
  }
  const grace = probe.terminationGracePeriodSeconds
  if (grace !== undefined && grace <= 0) errors.push(invalid(`${field}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'))
  if (kind === 'readinessProbe') {
    if (grace !== undefined) {
      errors.push(invalid(`${field}.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes'))
    }
  } else if (probe.successThreshold !== 1) errors.push(invalid(`${field}.successThreshold`, probe.successThreshold, 'must be 1'))
  return errors
}

/** Of a probe or a life-cycle hook: exactly one of the handlers. */
export function validateHandler(field: string, handler: Handler): FieldError[] {
  const given = kinds.filter((kind) => handler[kind])
  const [first, ...more] = given
  if (!first) return [required(field, 'must specify a handler type')]
  return [
    ...validateOne(`${field}.${first}`, handler, first),
    ...more.map((kind) => forbidden(`${field}.${kind}`, 'may not specify more than 1 handler type')),
  ]
}

function validateOne(field: string, handler: Handler, kind: (typeof kinds)[number]): FieldError[] {
  if (kind === 'exec') return handler.exec!.command?.length ? [] : [required(`${field}.command`)]
  if (kind === 'tcpSocket') return validatePortNumberOrName(`${field}.port`, handler.tcpSocket!.port)
  if (kind === 'grpc') return validatePortNumberOrName(`${field}.port`, handler.grpc!.port)
  if (kind === 'sleep') {
    return handler.sleep!.seconds < 0 ? [invalid(`${field}`, handler.sleep!.seconds, 'must be non-negative')] : []
  }
  const get = handler.httpGet!
  const errors = get.path ? [] : [required(`${field}.path`)]
  errors.push(...validatePortNumberOrName(`${field}.port`, get.port))
  if (get.scheme !== 'HTTP' && get.scheme !== 'HTTPS') errors.push(notSupported(`${field}.scheme`, get.scheme, ['HTTP', 'HTTPS']))
  for (const header of get.httpHeaders ?? []) {
    errors.push(...invalidEach(`${field}.httpHeaders`, header.name, isHttpHeaderName(header.name)))
  }
  return errors
}

/** An absent port is number 0, as Go's zero IntOrString is. */
export function validatePortNumberOrName(field: string, port: number | string | undefined): FieldError[] {
  if (typeof port === 'string') return invalidEach(field, port, isValidPortName(port))
  return invalidEach(field, port ?? 0, isValidPortNumber(port ?? 0))
}
