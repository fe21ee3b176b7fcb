/** A request's path under `/api/v1` or `/apis/<group>/<version>`, taken apart. */
export interface ResourcePath {
  readonly group: string
  readonly version: string
  readonly namespace: string | undefined
  readonly plural: string
  readonly name: string | undefined
  readonly subresource: string | undefined
}

/** Undefined where the path is none of a resource. Namespaces themselves are resources too: `/api/v1/namespaces/x/status`. */
export function parseResourcePath(pathname: string): ResourcePath | undefined {
  const parts = segments(pathname)
  if (!parts) return undefined
  let at: number
  let group: string
  if (parts[0] === 'api' && parts[1] === 'v1') [group, at] = ['', 2]
  else if (parts[0] === 'apis' && parts.length >= 3) [group, at] = [parts[1]!, 3]
  else return undefined
  const version = parts[at - 1]!
  let rest = parts.slice(at)
  let namespace: string | undefined
  const ofNamespace = rest[2] === 'status' || rest[2] === 'finalize'
  if (rest[0] === 'namespaces' && rest.length >= 3 && !(ofNamespace && rest.length === 3)) {
    namespace = rest[1]
    rest = rest.slice(2)
  }
  const [plural, name, subresource] = rest
  // What follows `proxy` is the path on the other side.
  if (!plural || (rest.length > 3 && subresource !== 'proxy')) return undefined
  return { group, version, namespace, plural, name, subresource }
}

/** Decoded segments without empty ones; undefined where the encoding is broken. */
export function segments(pathname: string): string[] | undefined {
  try {
    return pathname
      .split('/')
      .filter((part) => part !== '')
      .map((part) => decodeURIComponent(part))
  } catch {
    return undefined
  }
}
