import type { DeleteOptions } from '../api.ts'
import { badRequest, invalid } from '../status.ts'
import { wholeNumber } from './lists.ts'

/** `dryRun=All`. Throws Invalid for any other value. */
export function dryRunOf(values: readonly string[], kind: string): boolean {
  for (const value of values) {
    if (value === 'All') continue
    const message = `Unsupported value: ${JSON.stringify(value)}: supported values: "All"`
    throw invalid('meta.k8s.io', kind, '', [{ reason: 'FieldValueNotSupported', field: 'dryRun', message }])
  }
  return values.length > 0
}

const validations = ['Ignore', 'Strict', 'Warn']

export function checkFieldValidation(query: URLSearchParams, kind: string): void {
  const value = query.get('fieldValidation')
  if (!value || validations.includes(value)) return
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${validations.map((name) => JSON.stringify(name)).join(', ')}`
  throw invalid('meta.k8s.io', kind, '', [{ reason: 'FieldValueNotSupported', field: 'fieldValidation', message }])
}

/** Who a write is recorded for: the client's word, or the first word of its user agent. */
export function fieldManagerOf(request: Request, query: URLSearchParams): string | undefined {
  const named = query.get('fieldManager')
  if (named) return named.slice(0, 128)
  const agent = request.headers.get('user-agent')?.split('/')[0]?.trim()
  return agent ? agent.slice(0, 128) : undefined
}

/** Options of a DELETE from its query and its DeleteOptions body, of which the body counts (as in kube-apiserver). */
export function deleteOptionsOf(query: URLSearchParams, body: Record<string, unknown> | undefined): DeleteOptions & { dryRun: boolean } {
  const isOptions = body !== undefined && Object.keys(body).length > 0
  if (isOptions && body.kind !== undefined && body.kind !== 'DeleteOptions') {
    throw badRequest(`expected DeleteOptions in the body of a DELETE, got ${String(body.kind)}`)
  }
  const source: Record<string, unknown> = isOptions
    ? body
    : {
        propagationPolicy: query.get('propagationPolicy') ?? undefined,
        gracePeriodSeconds: wholeNumber(query, 'gracePeriodSeconds'),
        dryRun: query.getAll('dryRun'),
        orphanDependents: query.get('orphanDependents') === null ? undefined : query.get('orphanDependents') === 'true',
      }
  const options: DeleteOptions & { dryRun: boolean } = {
    dryRun: dryRunOf(Array.isArray(source.dryRun) ? (source.dryRun as string[]) : query.getAll('dryRun'), 'DeleteOptions'),
  }
  const { gracePeriodSeconds, propagationPolicy, orphanDependents, preconditions } = source
  if (gracePeriodSeconds !== undefined && gracePeriodSeconds !== null) {
    if (typeof gracePeriodSeconds !== 'number' || !Number.isInteger(gracePeriodSeconds))
      throw badRequest('gracePeriodSeconds must be a whole number')
    options.gracePeriodSeconds = gracePeriodSeconds
  }
  if (typeof propagationPolicy === 'string' && propagationPolicy !== '') {
    options.propagationPolicy = propagationPolicy as NonNullable<DeleteOptions['propagationPolicy']>
  } else if (typeof orphanDependents === 'boolean') {
    options.propagationPolicy = orphanDependents ? 'Orphan' : 'Background'
  }
  if (preconditions && typeof preconditions === 'object') options.preconditions = preconditions
  return options
}
