import type { FieldError } from '../definition.ts'
import { invalid } from '../fields.ts'
import { isDns1035Label } from '../names.ts'
import type { Names } from './types.ts'

/** Names of a kind, in the spec or as accepted; that they are there at all is another question. */
export function namesErrors(names: Partial<Names>, field: string): FieldError[] {
  const errors: FieldError[] = []
  const check = (at: string, value: string | undefined, tested = value, preface = '') => {
    const sentences = tested ? isDns1035Label(tested) : []
    if (sentences.length > 0) errors.push(invalid(`${field}.${at}`, value, preface + sentences.join(',')))
  }
  const mixed = 'may have mixed case, but should otherwise match: '
  check('plural', names.plural)
  check('singular', names.singular)
  check('kind', names.kind, names.kind?.toLowerCase(), mixed)
  check('listKind', names.listKind, names.listKind?.toLowerCase(), mixed)
  for (const [index, one] of (names.shortNames ?? []).entries()) check(`shortNames[${index}]`, one)
  if (names.kind && names.kind === names.listKind) {
    errors.push(invalid(`${field}.listKind`, names.listKind, 'kind and listKind may not be the same'))
  }
  for (const [index, one] of (names.categories ?? []).entries()) check(`categories[${index}]`, one)
  return errors
}
