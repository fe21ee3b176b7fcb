import type { KubeObject } from '../kubernetes.ts'

/**
 * The objects of one resource in one namespace. Starts from a sorted list (a restore costs nothing per object until the first look
 * by name) and hands out sorted lists that are never changed afterwards.
 */
export class Bucket {
  #list: readonly KubeObject[] | undefined
  #byName: Map<string, KubeObject> | undefined
  /** Sorted; undefined after a name came or went. */
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
    if (!index.has(name)) this.#names = undefined
    index.set(name, object)
    this.#list = undefined
  }

  delete(name: string): void {
    if (!this.#index().delete(name)) return
    this.#names = undefined
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
