import type { LimitRange, LimitRangeItem } from 'kubernetes-types/core/v1'
import { createdAtColumn, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { duplicate, forbidden, invalid, required } from '../fields.ts'
import { change, mapSame } from '../fill.ts'
import type { Plain } from '../plain.ts'
import { validateAmount, validateContainerResourceName } from '../pod/container.ts'
import { compareQuantities, parseQuantity } from '../quantity.ts'

type Amounts = Record<string, string>
const kinds = ['Pod', 'Container', 'PersistentVolumeClaim']

/** For containers: the default limit from the maximum, the default request from that or the minimum (SetDefaults_LimitRangeItem). */
function defaultItem(item: LimitRangeItem): LimitRangeItem {
  if (item.type !== 'Container') return item
  const limits: Amounts = { ...(item.max as Amounts), ...(item.default as Amounts) }
  const requests: Amounts = { ...(item.min as Amounts), ...limits, ...(item.defaultRequest as Amounts) }
  return { ...item, default: limits, defaultRequest: requests }
}

function validateItem(at: string, item: LimitRangeItem): FieldError[] {
  const errors: FieldError[] = []
  if (!kinds.includes(item.type) && !item.type?.includes('/')) {
    errors.push(invalid(`${at}.type`, item.type ?? '', 'must be a standard limit type or fully qualified'))
  }
  if (item.type === 'Pod') {
    for (const key of ['default', 'defaultRequest'] as const) {
      if (Object.keys(item[key] ?? {}).length) errors.push(forbidden(`${at}.${key}`, "may not be specified when `type` is 'Pod'"))
    }
  }
  const names = new Set<string>()
  for (const key of ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const) {
    for (const [name, amount] of Object.entries((item[key] ?? {}) as Amounts)) {
      names.add(name)
      const field = `${at}.${key}[${name}]`
      if (item.type === 'Pod' || item.type === 'Container') errors.push(...validateContainerResourceName(field, name))
      errors.push(...validateAmount(field, amount))
    }
  }
  if (item.type === 'PersistentVolumeClaim' && !(item.min as Amounts)?.['storage'] && !(item.max as Amounts)?.['storage']) {
    errors.push(required(`${at}.limits`, 'either minimum or maximum storage value is required, but neither was provided'))
  }
  for (const name of names) errors.push(...validateOrder(at, item, name))
  return errors
}

/** min ≤ default request ≤ default limit ≤ max, as far as each is given. */
function validateOrder(at: string, item: LimitRangeItem, name: string): FieldError[] {
  const text = (key: 'min' | 'max' | 'default' | 'defaultRequest') => (item[key] as Amounts | undefined)?.[name]
  const [min, max, limit, request] = [text('min'), text('max'), text('default'), text('defaultRequest')]
  const above = (a: string | undefined, b: string | undefined) => {
    const [x, y] = [a === undefined ? undefined : parseQuantity(a), b === undefined ? undefined : parseQuantity(b)]
    return x !== undefined && y !== undefined && compareQuantities(x, y) > 0
  }
  const errors: FieldError[] = []
  const refuse = (key: string, value: string | undefined, sentence: string) =>
    errors.push(invalid(`${at}.${key}[${name}]`, value, sentence))
  if (above(min, max)) refuse('min', min, `min value ${min} is greater than max value ${max}`)
  if (above(min, request)) refuse('defaultRequest', request, `min value ${min} is greater than default request value ${request}`)
  if (above(request, max)) refuse('defaultRequest', request, `default request value ${request} is greater than max value ${max}`)
  if (above(request, limit)) {
    refuse('defaultRequest', request, `default request value ${request} is greater than default limit value ${limit}`)
  }
  if (above(min, limit)) refuse('default', min, `min value ${min} is greater than default value ${limit}`)
  if (above(limit, max)) refuse('default', max, `default value ${limit} is greater than max value ${max}`)
  return errors
}

export const limitranges: ResourceDefinition<Plain<LimitRange>> = {
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  singular: 'limitrange',
  shortNames: ['limits'],
  namespaced: true,
  defaults: (range) => change(range, 'spec', (spec) => change(spec, 'limits', (limits) => mapSame(limits, defaultItem))),
  validate(range) {
    const seen = new Set<string>()
    return (range.spec?.limits ?? []).flatMap((item, index) => {
      const at = `spec.limits[${index}]`
      const errors = validateItem(at, item)
      if (seen.has(item.type)) errors.push(duplicate(`${at}.type`, item.type))
      seen.add(item.type)
      return errors
    })
  },
  columns: [nameColumn, createdAtColumn],
}
