import { sameJson } from '../../json.ts'
import { badRequest, requestEntityTooLarge, unprocessable } from '../status.ts'
import { isObject } from './merge.ts'

/**
 * JSON patch (RFC 6902). Copies only the path to each change. Throws BadRequest for what is no patch, and 422 where an operation
 * does not fit the document, in the words of the library that kube-apiserver uses (evanphx/json-patch).
 */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch')
  if (patch.length > mostOperations) {
    throw requestEntityTooLarge(`The allowed maximum operations in a JSON patch is ${mostOperations}, got ${patch.length}`)
  }
  let document = target
  const budget = { copied: 0 }
  for (const operation of patch) document = step(document, operation, budget)
  return document
}

/** As kube-apiserver's maxJSONPatchOperations and jsonpatch.AccumulatedCopySizeLimit (bytes): a few copies of copies would fill the memory. */
const mostOperations = 10_000
const mostCopied = 3 * 1024 * 1024

function step(document: unknown, operation: unknown, budget: { copied: number }): unknown {
  if (!isObject(operation)) throw badRequest('error decoding patch: an operation must be an object')
  const { op, path, from, value } = operation
  if (typeof path !== 'string') throw unprocessable('missing path: operation has no path')
  switch (op) {
    case 'add':
      if (!('value' in operation)) throw unprocessable(`add operation does not apply: doc is missing value: "${path}"`)
      return change(document, tokens(path), 'add', value, path)
    case 'replace':
      lookup(document, tokens(path), 'replace', path)
      return change(document, tokens(path), 'replace', value, path)
    case 'remove':
      return change(document, tokens(path), 'remove', undefined, path)
    case 'test':
      if (!sameJson(lookup(document, tokens(path), 'test', path), value)) {
        throw unprocessable(`testing value ${path} failed: test failed`)
      }
      return document
    case 'move': {
      if (typeof from !== 'string') throw unprocessable('move operation does not apply: missing from')
      if (path.startsWith(`${from}/`)) throw unprocessable(`move operation does not apply: ${from} cannot move into itself`)
      const moved = lookup(document, tokens(from), 'move', from)
      return change(change(document, tokens(from), 'remove', undefined, from), tokens(path), 'add', moved, path)
    }
    case 'copy': {
      if (typeof from !== 'string') throw unprocessable('copy operation does not apply: missing from')
      const copied = lookup(document, tokens(from), 'copy', from)
      budget.copied += JSON.stringify(copied)?.length ?? 0
      if (budget.copied > mostCopied) {
        throw unprocessable(
          `Unable to complete the copy, the accumulated size increase of copy is ${budget.copied}, exceeding the limit ${mostCopied}`,
        )
      }
      return change(document, tokens(path), 'add', copied, path)
    }
    default:
      throw unprocessable(`Unexpected kind: ${String(op)}`)
  }
}

function tokens(pointer: string): string[] {
  if (pointer === '') return []
  if (!pointer.startsWith('/')) throw unprocessable(`invalid JSON pointer: "${pointer}" must start with a slash`)
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function missing(op: string, path: string): Error {
  return unprocessable(`${op} operation does not apply: doc is missing path: "${path}": missing value`)
}

function lookup(document: unknown, path: readonly string[], op: string, pointer: string): unknown {
  let value = document
  for (const token of path) {
    if (Array.isArray(value)) value = value[indexIn(value, token, value.length - 1, op, pointer)]
    else if (isObject(value) && Object.hasOwn(value, token)) value = value[token]
    else throw missing(op, pointer)
  }
  return value
}

function indexIn(list: unknown[], token: string, highest: number, op: string, pointer: string): number {
  if (!/^(0|[1-9]\d*)$/.test(token)) throw missing(op, pointer)
  const index = Number(token)
  if (index > highest)
    throw unprocessable(
      `${op} operation does not apply: doc is missing path: "${pointer}": index ${index} is beyond ${list.length} elements`,
    )
  return index
}

function change(node: unknown, path: readonly string[], op: 'add' | 'replace' | 'remove', value: unknown, pointer: string): unknown {
  const [token, ...rest] = path
  if (token === undefined) {
    if (op === 'remove') throw unprocessable(`remove operation does not apply: the whole document cannot be removed`)
    return value
  }
  if (Array.isArray(node)) {
    const copy = [...node]
    if (rest.length > 0) {
      const index = indexIn(node, token, node.length - 1, op, pointer)
      copy[index] = change(node[index], rest, op, value, pointer)
    } else if (op === 'add') {
      copy.splice(token === '-' ? node.length : indexIn(node, token, node.length, op, pointer), 0, value)
    } else {
      const index = indexIn(node, token, node.length - 1, op, pointer)
      if (op === 'remove') copy.splice(index, 1)
      else copy[index] = value
    }
    return copy
  }
  if (!isObject(node)) throw missing(op, pointer)
  const present = Object.hasOwn(node, token)
  if (rest.length > 0) {
    if (!present) throw missing(op, pointer)
    return { ...node, [token]: change(node[token], rest, op, value, pointer) }
  }
  if (op === 'add' || op === 'replace') return { ...node, [token]: value }
  if (!present) throw missing(op, pointer)
  const { [token]: _removed, ...others } = node
  return others
}
