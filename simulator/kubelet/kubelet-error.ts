import { StatusError } from '../apiserver/api.ts'

const codes = { BadRequest: 400, NotFound: 404, InternalError: 500 } as const

export function kubeletError(reason: keyof typeof codes, message: string): StatusError {
  return new StatusError({ apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Failure', message, reason, code: codes[reason] })
}
