import type { Refusal } from '../../protocol/errors.ts'
import { t } from '../texts/text.ts'

/** What the server would not do, or that it could not be reached (`code` is then `unreachable`). */
export class RefusedError extends Error {
  readonly code: string
  readonly mend: string | undefined

  constructor(refusal: Refusal['error']) {
    super(refusal.message)
    this.name = 'RefusedError'
    this.code = refusal.code
    this.mend = refusal.mend
  }
}

export const unreachable = 'unreachable'

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'error' in value && typeof (value as Refusal).error?.message === 'string'
}

/** Asks the server. Resolves with the JSON body (undefined where there is none); rejects with a RefusedError. */
export async function request<Answer>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(path, {
    method,
    headers: body === undefined ? { accept: 'application/json' } : { accept: 'application/json', 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new RefusedError({ code: unreachable, message: t('offline.unreachable'), mend: t('offline.mend') })
  })
  const answer = await parsed(response)
  if (response.ok) return answer as Answer
  if (isRefusal(answer)) throw new RefusedError(answer.error)
  // A proxy in front of a stopped server answers in its own words.
  if (response.status >= 502) throw new RefusedError({ code: unreachable, message: t('offline.unreachable'), mend: t('offline.mend') })
  throw new RefusedError({ code: 'unexpected', message: t('refusal.unexpected', { status: response.status }) })
}

async function parsed(response: Response): Promise<unknown> {
  const text = await response.text()
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
