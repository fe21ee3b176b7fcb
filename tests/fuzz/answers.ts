/** Reasons that go with each code of a refusal (metav1.StatusReason). */
const reasons: Readonly<Record<number, readonly string[]>> = {
  400: ['BadRequest'],
  401: ['Unauthorized'],
  403: ['Forbidden'],
  404: ['NotFound'],
  405: ['MethodNotAllowed'],
  406: ['NotAcceptable'],
  409: ['Conflict', 'AlreadyExists'],
  410: ['Expired', 'Gone'],
  413: ['RequestEntityTooLarge'],
  415: ['UnsupportedMediaType'],
  422: ['Invalid'],
  429: ['TooManyRequests'],
  // What is not modelled, refused by name.
  501: ['NotImplemented'],
  503: ['ServiceUnavailable'],
  504: ['Timeout'],
}

/** Where kube-apiserver, too, answers 500 to what a client did. */
const upstreamInternalErrors = [
  /resourceVersion should not be set on objects to be created/,
  /This pod has more than one PodDisruptionBudget/,
  /^etcdserver: (request is too large|mvcc: database space exceeded)$/,
]

/** What is wrong with an answer; undefined where it is one that kube-apiserver could give. */
export function complaint(
  answer: { status: number; type: string; text: string },
  { method, path }: { method: string; path: string },
): string | undefined {
  const { status, type, text } = answer
  if (status < 200 || status > 504) return `status ${status}`
  if (method === 'HEAD') return undefined
  // Whoever is behind a proxy subresource answers in words of its own.
  if (/\/proxy(\/|\?|$)/.test(path) && !type.startsWith('application/json')) return undefined
  if (status < 400) {
    if (!type.startsWith('application/json')) return undefined
    for (const line of text.split('\n').filter(Boolean)) {
      try {
        JSON.parse(line)
      } catch {
        return `${status} with broken JSON: ${line.slice(0, 200)}`
      }
    }
    return undefined
  }
  if (!type.startsWith('application/json'))
    return type.startsWith('text/plain') && status === 404 ? undefined : `${status} as ${type || 'nothing'}: ${text.slice(0, 200)}`
  let body: any
  try {
    body = JSON.parse(text)
  } catch {
    return `${status} that is no JSON: ${text.slice(0, 200)}`
  }
  if (body.kind !== 'Status' || body.status !== 'Failure' || body.code !== status)
    return `${status} that is no Status: ${text.slice(0, 300)}`
  if (typeof body.message !== 'string' || body.message === '') return `${status} without a message`
  if (status === 500 && upstreamInternalErrors.some((known) => known.test(body.message))) return undefined
  if (!reasons[status]?.includes(body.reason)) return `${status} ${body.reason}: ${body.message.slice(0, 300)}`
  return undefined
}
