import type { FieldError } from './definition.ts'
import { invalidEach, tooLong } from './fields.ts'
import { isQualifiedName, isValidLabelValue } from './names.ts'

const annotationBytes = 256 * 1024

/** Labels outside `metadata`: of templates and selectors. `metadata` itself is the registry's to check, for every kind alike. */
export function validateLabels(field: string, labels: Record<string, string> | undefined): FieldError[] {
  const errors: FieldError[] = []
  for (const key in labels) {
    errors.push(...invalidEach(field, key, isQualifiedName(key)), ...invalidEach(field, labels[key], isValidLabelValue(labels[key]!)))
  }
  return errors
}

export function validateAnnotations(field: string, annotations: Record<string, string> | undefined): FieldError[] {
  const errors: FieldError[] = []
  let size = 0
  for (const key in annotations) {
    errors.push(...invalidEach(field, key, isQualifiedName(key.toLowerCase())))
    size += key.length + annotations[key]!.length
  }
  if (size > annotationBytes) errors.push(tooLong(field, annotationBytes))
  return errors
}
