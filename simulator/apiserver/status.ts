import type { Status, StatusCause } from 'kubernetes-types/meta/v1'
import type { FieldError } from '../resources/definition.ts'
import { StatusError } from './api.ts'

/** Who a refusal is about, as in `deployments.apps "web"`. */
export interface Subject {
  readonly group: string
  /** Plural; for Invalid the kind stands in `details.kind` instead. */
  readonly resource: string
  readonly name?: string
}

function refusal(code: number, reason: string, message: string, details?: Status['details']): StatusError {
  const status: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details, code }
  if (!details) delete status.details
  if (!reason) delete status.reason
  return new StatusError(status)
}

function detailsOf(subject: Subject, more: Partial<NonNullable<Status['details']>> = {}): NonNullable<Status['details']> {
  const details: NonNullable<Status['details']> = { ...more }
  if (subject.name) details.name = subject.name
  if (subject.group) details.group = subject.group
  details.kind = subject.resource
  return details
}

/** `deployments.apps` */
export function qualified(subject: { group: string; resource: string }): string {
  return subject.group ? `${subject.resource}.${subject.group}` : subject.resource
}

export function notFound(subject: Subject): StatusError {
  return refusal(404, 'NotFound', `${qualified(subject)} "${subject.name}" not found`, detailsOf(subject))
}

/** For paths and kinds that nobody serves. */
export function unknownResource(): StatusError {
  return refusal(404, 'NotFound', 'the server could not find the requested resource', {})
}

export function alreadyExists(subject: Subject): StatusError {
  return refusal(409, 'AlreadyExists', `${qualified(subject)} "${subject.name}" already exists`, detailsOf(subject))
}

export function conflict(subject: Subject, why: string, causes?: StatusCause[]): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(subject)} "${subject.name}": ${why}`
  return refusal(409, 'Conflict', message, detailsOf(subject, causes ? { causes } : {}))
}

export function modified(subject: Subject): StatusError {
  return conflict(subject, 'the object has been modified; please apply your changes to the latest version and try again')
}

/** Server-side apply's refusal: its message is the bare list of conflicts. */
export function applyConflict(message: string, causes: StatusCause[]): StatusError {
  return refusal(409, 'Conflict', message, { causes })
}

export function forbidden(subject: Subject, why: string, causes?: StatusCause[]): StatusError {
  const about = subject.name ? `${qualified(subject)} "${subject.name}" is forbidden` : `${qualified(subject)} is forbidden`
  return refusal(403, 'Forbidden', `${about}: ${why}`, detailsOf(subject, causes ? { causes } : {}))
}

/** `Deployment.apps "x" is invalid: …`, the same sentence once, several in brackets (apimachinery's NewInvalid). */
export function invalid(group: string, kind: string, name: string, errors: readonly FieldError[]): StatusError {
  const causes = errors.map(({ reason, message, field }) => ({ reason, message, field }))
  const sentences = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))]
  const text = sentences.length === 1 ? sentences[0] : `[${sentences.join(', ')}]`
  const message = `${qualified({ group, resource: kind })} "${name}" is invalid: ${text}`
  return refusal(422, 'Invalid', message, detailsOf({ group, resource: kind, name }, { causes }))
}

/** A patch that does not fit the object it was sent for. */
export function unprocessable(why: string): StatusError {
  return refusal(422, 'Invalid', 'the server rejected our request due to an error in our request', {
    causes: [{ reason: 'UnexpectedServerResponse', message: why }],
  })
}

export function badRequest(message: string): StatusError {
  return refusal(400, 'BadRequest', message)
}

export function methodNotAllowed(message = 'the server does not allow this method on the requested resource'): StatusError {
  return refusal(405, 'MethodNotAllowed', message, {})
}

export function unauthorized(): StatusError {
  return refusal(401, 'Unauthorized', 'Unauthorized')
}

export function expired(message: string, continueToken?: string): StatusError {
  const error = refusal(410, 'Expired', message)
  return continueToken ? new StatusError({ ...error.status, metadata: { continue: continueToken } }) : error
}

export function requestEntityTooLarge(message: string): StatusError {
  return refusal(413, 'RequestEntityTooLarge', `Request entity too large: ${message}`)
}

export function unsupportedMediaType(message: string): StatusError {
  return refusal(415, 'UnsupportedMediaType', message)
}

export function notAcceptable(accepted: string): StatusError {
  return refusal(406, 'NotAcceptable', `only the following media types are accepted: ${accepted}`)
}

export function tooManyRequests(message: string, causes: StatusCause[]): StatusError {
  return refusal(429, 'TooManyRequests', message, { causes })
}

export function tooLargeResourceVersion(wanted: number, current: number): StatusError {
  return refusal(504, 'Timeout', `Too large resource version: ${wanted}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  })
}

export function notImplemented(message: string): StatusError {
  return refusal(501, 'NotImplemented', message)
}

export function serviceUnavailable(message: string): StatusError {
  return refusal(503, 'ServiceUnavailable', message)
}

export function internalError(message: string): StatusError {
  return refusal(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] })
}

/** An error that is no API status of its own in apimachinery: code 500 and the bare text. */
export function unknownError(message: string): StatusError {
  return refusal(500, '', message)
}

/** Whatever was thrown, as the Status that goes over the wire. */
export function toStatus(error: unknown): Status {
  if (error instanceof StatusError) return error.status
  return internalError(error instanceof Error ? error.message : String(error)).status
}
