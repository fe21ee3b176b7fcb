import type { KubeObject } from '../../kubernetes.ts'
import {
  type CustomResourceDefinition,
  type ScalePaths,
  storageVersion,
  type Version,
} from '../../resources/customresourcedefinition/types.ts'
import type { CustomKind, FieldError, ResourceDefinition } from '../../resources/definition.ts'
import { invalid } from '../../resources/fields.ts'
import { withDefaults } from '../../resources/schema/defaulting.ts'
import { embeddedErrors } from '../../resources/schema/embedded.ts'
import { dotted, valueAt } from '../../resources/schema/jsonpath.ts'
import { listTypeErrors } from '../../resources/schema/list-types.ts'
import { prune } from '../../resources/schema/pruning.ts'
import { hasRules, ruleErrors } from '../../resources/schema/rules.ts'
import type { Schema } from '../../resources/schema/schema.ts'
import { valueErrors } from '../../resources/schema/values.ts'
import { columnsOf } from './columns.ts'
import { publishedSchema } from './published-schema.ts'
import { scaleErrors, scaleMapping } from './scale.ts'

const whileTerminating = ['delete', 'deletecollection', 'get', 'list', 'watch']
const everything: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

/** One version of a custom kind, as the generic registry serves it (apiextensions-apiserver's pkg/registry/customresource). */
export function customResource(from: CustomResourceDefinition, version: Version, terminating: boolean): ResourceDefinition<KubeObject> {
  const { spec } = from
  const { acceptedNames } = from.status!
  const { plural = '', kind = '', singular = '', listKind = `${kind}List`, shortNames = [], categories = [] } = acceptedNames
  const schema = version.schema?.openAPIV3Schema ?? everything
  const apiVersion = `${spec.group}/${version.name}`
  const status = version.subresources?.status !== undefined
  const scale = version.subresources?.scale
  const shaped = (object: KubeObject): KubeObject => withDefaults(prune(object, schema).value, schema)
  const errorsOf = (object: KubeObject, previous?: KubeObject) => contentErrors(object, schema, scale, previous)
  const selectable = (version.selectableFields ?? []).map(({ jsonPath }) => dotted(jsonPath))
  return {
    group: spec.group,
    version: version.name,
    kind,
    plural,
    singular,
    shortNames,
    categories,
    namespaced: spec.scope === 'Namespaced',
    ...(terminating && { verbs: whileTerminating }),
    status,
    ...(scale && { scale: scaleMapping(scale) }),
    prepareForCreate: (object) => (status ? without(object, 'status') : object),
    prepareForStatusUpdate: (object, previous) => shaped({ ...object, metadata: previous.metadata! }),
    defaults: shaped,
    validate: (object) => errorsOf(object),
    validateUpdate: errorsOf,
    validateStatusUpdate: errorsOf,
    selectableFields: (object) => Object.fromEntries(selectable.map((names) => [names.join('.'), text(valueAt(object, names))])),
    columns: columnsOf(version.additionalPrinterColumns),
    openapi: publishedSchema(schema),
    custom: {
      schema,
      listKind,
      storedAs: `${spec.group}/${storageVersion(spec)?.name ?? version.name}`,
      source: spec,
      terminating,
      deprecation: version.deprecated ? (version.deprecationWarning ?? `${apiVersion} ${kind} is deprecated`) : undefined,
      present: presenter(apiVersion, shaped),
    },
  }
}

/** Stored objects are immutable, so each is made to look like this version once. */
function presenter(apiVersion: string, shaped: (object: KubeObject) => KubeObject): CustomKind['present'] {
  const known = new WeakMap<KubeObject, KubeObject>()
  return (stored) => {
    let shown = known.get(stored)
    if (!shown) known.set(stored, (shown = shaped(stored.apiVersion === apiVersion ? stored : { ...stored, apiVersion })))
    return shown
  }
}

/** Errors after which rules are not looked at, as their values may not be what rules take them for. */
const blocking: ReadonlySet<FieldError['reason']> = new Set([
  'FieldValueRequired',
  'FieldValueTooMany',
  'FieldValueTooLong',
  'FieldValueNotSupported',
  'FieldValueTypeInvalid',
])
const unchecked =
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation'

/** What is wrong with an object by its definition: values, scale, embedded objects, lists, then rules. */
function contentErrors(object: KubeObject, schema: Schema, scale: ScalePaths | undefined, previous?: KubeObject): FieldError[] {
  const errors = [
    ...valueErrors(object, schema, previous),
    ...scaleErrors(scale, object),
    ...embeddedErrors(object, schema),
    ...listTypeErrors(object, schema),
  ]
  if (!hasRules(schema)) return errors
  if (errors.some(({ reason }) => blocking.has(reason))) return [...errors, invalid('<nil>', null, unchecked)]
  return [...errors, ...ruleErrors(object, schema, previous)]
}

function without(object: KubeObject, field: string): KubeObject {
  const { [field]: _gone, ...rest } = object
  return rest
}

function text(value: unknown): string {
  return value === undefined || value === null ? '' : String(value)
}
