/** Header fields in order; names as sent. */
export type HttpHeaders = readonly (readonly [string, string])[]

export interface HttpRequest {
  readonly method: string
  /** As in the request line: a path with query, or an absolute URL for proxies. */
  readonly target: string
  readonly headers: HttpHeaders
  readonly body: Uint8Array
}

export interface HttpResponse {
  readonly status: number
  readonly reason: string
  readonly headers: HttpHeaders
  readonly body: Uint8Array
}

const encoder = new TextEncoder()
export const emptyBody = new Uint8Array()

/** The first value of a field, whatever its letters' case. */
export function header(message: { headers: HttpHeaders }, name: string): string | undefined {
  const wanted = name.toLowerCase()
  return message.headers.find(([key]) => key.toLowerCase() === wanted)?.[1]
}

/** What `%41` stands for; a text that does not decode counts as it is. */
export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) return text
    throw error
  }
}

/** RFC 9112. Adds Content-Length where there is a body and the headers say nothing about its length. */
export function encodeRequest(request: Omit<HttpRequest, 'body'> & { body?: Uint8Array | string }): Uint8Array {
  const body = bodyOf(request.body)
  const framed = body.length > 0 || ['POST', 'PUT', 'PATCH'].includes(request.method)
  return join(`${request.method} ${request.target} HTTP/1.1`, request.headers, body, framed)
}

/** `withoutBody`: the answer to a HEAD, which has the headers of the body that it does not carry. */
export function encodeResponse(
  response: { status: number; reason?: string; headers?: HttpHeaders; body?: Uint8Array | string },
  withoutBody = false,
): Uint8Array {
  const { status, headers = [] } = response
  const body = bodyOf(response.body)
  const bodiless = status < 200 || status === 204 || status === 304
  return join(`HTTP/1.1 ${status} ${response.reason ?? reasons[status] ?? ''}`, headers, body, !bodiless, withoutBody || bodiless)
}

function join(start: string, headers: HttpHeaders, body: Uint8Array, framed: boolean, withoutBody = false): Uint8Array {
  const lines = [start, ...headers.map(([name, value]) => `${name}: ${value}`)]
  const chunked = /(^|,\s*)chunked$/i.test(header({ headers }, 'transfer-encoding') ?? '')
  if (framed && !chunked && header({ headers }, 'content-length') === undefined) lines.push(`Content-Length: ${body.length}`)
  for (const line of lines) if (/[\r\n]/.test(line)) throw new Error(`a header must not contain a line break: ${JSON.stringify(line)}`)
  const head = encoder.encode(`${lines.join('\r\n')}\r\n\r\n`)
  const parts = withoutBody ? [head] : chunked ? [head, ...chunks(body)] : [head, body]
  return concatenate(parts)
}

function chunks(body: Uint8Array): Uint8Array[] {
  if (body.length === 0) return [encoder.encode('0\r\n\r\n')]
  return [encoder.encode(`${body.length.toString(16)}\r\n`), body, encoder.encode('\r\n0\r\n\r\n')]
}

function bodyOf(body: Uint8Array | string | undefined): Uint8Array {
  return typeof body === 'string' ? encoder.encode(body) : (body ?? emptyBody)
}

export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** RFC 9110's phrases. */
export const reasons: Readonly<Record<number, string>> = {
  100: 'Continue',
  101: 'Switching Protocols',
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  206: 'Partial Content',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
}
