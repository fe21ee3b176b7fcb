import { sameJson } from '../../json.ts'
import type { FieldError } from '../definition.ts'
import { duplicate, invalid, required, tooMany } from '../fields.ts'
import { dotted, parsePath } from '../schema/jsonpath.ts'
import { fieldOf, type Schema } from '../schema/schema.ts'
import { defaultErrors } from './default-errors.ts'
import { schemaErrors } from './schema-errors.ts'
import { structuralErrors } from './structural.ts'
import type { DefinitionSpec, PrinterColumn, ScalePaths, Subresources, Version } from './types.ts'

/** Where a field that versions have in common is reported: upstream keeps it once, above them. */
interface Places {
  readonly schema: string
  readonly subresources: string
  readonly columns: string
  readonly selectable: string
}

/** What is wrong with the versions themselves: schemas, columns, subresources, selectable fields. */
export function versionsErrors(spec: DefinitionSpec): FieldError[] {
  const { versions } = spec
  const shared = (field: 'schema' | 'subresources' | 'additionalPrinterColumns' | 'selectableFields') =>
    versions.every((version) => version[field] !== undefined && sameJson(version[field], versions[0]?.[field]))
  const once = {
    schema: shared('schema'),
    subresources: shared('subresources'),
    columns: shared('additionalPrinterColumns'),
    selectable: shared('selectableFields'),
  }
  return versions.flatMap((version, index) => {
    const at = `spec.versions[${index}]`
    const places: Places = {
      schema: once.schema ? 'spec.validation.openAPIV3Schema' : `${at}.schema.openAPIV3Schema`,
      subresources: once.subresources ? 'spec.subresources' : `${at}.subresources`,
      columns: once.columns ? 'spec.additionalPrinterColumns' : `${at}.additionalPrinterColumns`,
      selectable: once.selectable ? 'spec.selectableFields' : `${at}.selectableFields`,
    }
    const first = index === 0
    const schema = version.schema?.openAPIV3Schema
    const errors = deprecationErrors(version, at)
    if (schema && (first || !once.schema)) errors.push(...wholeSchemaErrors(schema, version.subresources, places.schema))
    if (first || !once.subresources) errors.push(...scaleErrors(version.subresources?.scale, places.subresources))
    if (first || !once.columns) {
      for (const [at, column] of (version.additionalPrinterColumns ?? []).entries()) {
        errors.push(...columnErrors(column, `${places.columns}[${at}]`))
      }
    }
    if (first || !once.selectable) errors.push(...selectableErrors(version, schema, places.selectable))
    return errors
  })
}

function wholeSchemaErrors(schema: Schema, subresources: Subresources | undefined, field: string): FieldError[] {
  if (subresources?.status && schema.type && schema.type !== 'object') {
    return [
      invalid(
        `${field}.type`,
        schema.type,
        'only "object" is allowed as the type at the root of the schema if the status subresource is enabled',
      ),
    ]
  }
  const structural = structuralErrors(schema, field)
  const defaults = structural.length === 0 ? defaultErrors(schema, field) : []
  return [...structural, ...defaults, ...schemaErrors(schema, field)]
}

function deprecationErrors({ deprecated, deprecationWarning }: Version, field: string): FieldError[] {
  if (deprecationWarning === undefined) return []
  const at = `${field}.deprecationWarning`
  if (!deprecated) return [invalid(at, deprecationWarning, 'can only be set for deprecated versions')]
  const errors: FieldError[] = []
  if (deprecationWarning.length > 256) errors.push(invalid(at, deprecationWarning, 'must be <= 256 characters long'))
  if (deprecationWarning === '') errors.push(invalid(at, deprecationWarning, 'must not be an empty string'))
  return errors
}

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string']
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']

function columnErrors({ name, type, format, jsonPath }: PrinterColumn, field: string): FieldError[] {
  const errors: FieldError[] = []
  const oneOf = (names: readonly string[]) => `must be one of ${names.join(',')}`
  if (!name) errors.push(required(`${field}.name`))
  if (!type) errors.push(required(`${field}.type`, oneOf(columnTypes)))
  else if (!columnTypes.includes(type)) errors.push(invalid(`${field}.type`, type, oneOf(columnTypes)))
  if (format && !columnFormats.includes(format)) errors.push(invalid(`${field}.format`, format, oneOf(columnFormats)))
  if (!jsonPath) errors.push(required(`${field}.JSONPath`))
  else errors.push(...simplePathErrors(jsonPath, `${field}.JSONPath`))
  if (errors.length === 0 && !parsePath(jsonPath)) {
    errors.push(invalid(`${field}.JSONPath`, jsonPath, 'the simulated cluster does not model this JSON path in a printer column'))
  }
  return errors
}

function simplePathErrors(path: string, field: string): FieldError[] {
  return path.startsWith('.') ? [] : [invalid(field, path, 'must be a simple json path starting with .')]
}

function scaleErrors(scale: ScalePaths | undefined, field: string): FieldError[] {
  if (!scale) return []
  const errors: FieldError[] = []
  const check = (name: keyof ScalePaths, roots: readonly string[], sentence: string) => {
    const path = scale[name]
    const at = `${field}.scale.${name}`
    if (!path) {
      if (name !== 'labelSelectorPath') errors.push(required(at))
      return
    }
    const wrong = simplePathErrors(path, at)
    if (wrong.length > 0) errors.push(...wrong)
    else if (!roots.some((root) => path.startsWith(root))) errors.push(invalid(at, path, sentence))
  }
  check('specReplicasPath', ['.spec.'], 'should be a json path under .spec')
  check('statusReplicasPath', ['.status.'], 'should be a json path under .status')
  check('labelSelectorPath', ['.spec.', '.status.'], 'should be a json path under either .spec or .status')
  return errors
}

/** As upstream. */
const selectableAtMost = 8

function selectableErrors({ selectableFields = [] }: Version, schema: Schema | undefined, field: string): FieldError[] {
  if (selectableFields.length === 0) return []
  if (!schema) return [invalid(field, '', 'selectableFields may only be set when version.schema.openAPIV3Schema is not included')]
  const errors: FieldError[] = []
  const seen = new Set<string>()
  for (const [index, { jsonPath }] of selectableFields.entries()) {
    const at = `${field}[${index}].jsonPath`
    if (!jsonPath) {
      errors.push(required(at))
      continue
    }
    const problem = selectablePathProblem(jsonPath, schema)
    if (problem) {
      errors.push(invalid(at, jsonPath, problem))
      continue
    }
    const names = dotted(jsonPath)
    const found = names.reduce<Schema | undefined>((inner, name) => fieldOf(inner, name), schema)
    if (names[0] === 'metadata') errors.push(invalid(at, jsonPath, 'must not point to fields in metadata'))
    if (!['string', 'boolean', 'integer'].includes(found?.type ?? '')) {
      const sentence = 'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.'
      errors.push(invalid(at, jsonPath, sentence))
    }
    if (seen.has(jsonPath)) errors.push(duplicate(at, jsonPath))
    seen.add(jsonPath)
  }
  if (seen.size > selectableAtMost) errors.push(tooMany(field, seen.size, selectableAtMost))
  return errors
}

function selectablePathProblem(path: string, schema: Schema): string | undefined {
  if (path.includes('[')) return 'is an invalid path: array notation is not allowed'
  if (!path.startsWith('.')) return `is an invalid path: expected [ or . but got: ${dotted(path)[0]}`
  const found = dotted(path).reduce<Schema | undefined>((inner, name) => fieldOf(inner, name), schema)
  return found ? undefined : 'is an invalid path: does not refer to a valid field'
}
