/**
 * Defaulting without copying: each function gives back the very same object where there was nothing to fill in, so that an object that
 * already has its defaults costs no allocation.
 */
export function fill<T extends object>(object: T, defaults: { readonly [K in keyof T]?: T[K] }): T {
  let result = object
  for (const key in defaults) {
    if (defaults[key] === undefined || (object[key] !== undefined && object[key] !== null)) continue
    if (result === object) result = { ...object }
    result[key] = defaults[key] as T[typeof key]
  }
  return result
}

/** As `fill`, but an empty string counts as absent too, as it does for Go's string fields. */
export function fillText<T extends object>(object: T, defaults: { readonly [K in keyof T]?: T[K] }): T {
  let result = object
  for (const key in defaults) {
    if (object[key] !== undefined && object[key] !== null && (object[key] as unknown) !== '') continue
    if (result === object) result = { ...object }
    result[key] = defaults[key] as T[typeof key]
  }
  return result
}

/** Sets one field, unless it already holds that very value. */
export function put<T extends object, K extends keyof T>(object: T, key: K, value: T[K]): T {
  return object[key] === value ? object : { ...object, [key]: value }
}

/** Changes one field where it is present. */
export function change<T extends object, K extends keyof T>(object: T, key: K, how: (value: NonNullable<T[K]>) => T[K]): T {
  const value = object[key]
  return value === undefined || value === null ? object : put(object, key, how(value))
}

/** The same array where no item changed. */
export function mapSame<T>(items: T[], how: (item: T) => T): T[] {
  let result = items
  items.forEach((item, index) => {
    const changed = how(item)
    if (changed === item) return
    if (result === items) result = [...items]
    result[index] = changed
  })
  return result
}

export function mapValues<T>(map: Record<string, T>, how: (value: T) => T): Record<string, T> {
  let result = map
  for (const key in map) {
    const changed = how(map[key]!)
    if (changed === map[key]) continue
    if (result === map) result = { ...map }
    result[key] = changed
  }
  return result
}
