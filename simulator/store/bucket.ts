import type { KubeObject } from '../kubernetes.ts'

/**
 * The objects of one resource in one namespace. Starts from a sorted list (a restore costs nothing per object until the first look
 * by name) and hands out sorted lists that are never changed afterwards.
 */
export class Bucket {
  #list: readonly KubeObject[] | undefined
  #byName: Map<string, KubeObject> | undefined
  /** Sorted; undefined until somebody lists. From then on names are put in their place: sorting all again for each new object adds up. */
  #names: string[] | undefined

  constructor(list: readonly KubeObject[]) {
    this.#list = list
  }

  get size(): number {
    return this.#byName ? this.#byName.size : this.#list!.length
  }

  get(name: string): KubeObject | undefined {
    return this.#index().get(name)
  }

  set(name: string, object: KubeObject): void {
    const index = this.#index()
    if (this.#names && !index.has(name)) this.#names.splice(placeOf(this.#names, name), 0, name)
    index.set(name, object)
    this.#list = undefined
  }

  delete(name: string): void {
    if (!this.#index().delete(name)) return
    if (this.#names) this.#names.splice(placeOf(this.#names, name), 1)
    this.#list = undefined
  }

  list(): readonly KubeObject[] {
    if (this.#list) return this.#list
    const index = this.#index()
    this.#names ??= [...index.keys()].sort()
    this.#list = this.#names.map((name) => index.get(name)!)
    return this.#list
  }

  #index(): Map<string, KubeObject> {
    this.#byName ??= new Map(this.#list!.map((object) => [object.metadata!.name!, object]))
    return this.#byName
  }
}

/** Where `name` stands, or would stand, among sorted names. */
function placeOf(names: readonly string[], name: string): number {
  let [low, high] = [0, names.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (names[middle]! < name) low = middle + 1
    else high = middle
  }
  return low
}
