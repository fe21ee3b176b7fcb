import type { PolicyPod } from '../../../network-policy/policy-pod.ts'
import type { Labels, Selector } from '../selectors/selector.ts'

/** What selectors select: a pod, or a set of nets that somebody gave a name and labels. */
export interface Labelled {
  readonly key: string
  readonly labels: Labels
  /** Addresses or nets. */
  readonly nets: readonly string[]
  readonly pod?: PolicyPod
}

/** What a selector finds, kept up to date. Equal selectors share one. */
export interface Found {
  readonly selector: Selector
  readonly members: ReadonlySet<Labelled>
}

interface Kept extends Found {
  readonly members: Set<Labelled>
  users: number
}

/** Labelled things, and which of them each selector finds. A change of one costs a look at every selector, not at every thing. */
export class LabelIndex {
  readonly #things = new Map<string, Labelled>()
  readonly #kept = new Map<string, Kept>()
  #changed = new Set<Found>()

  get(key: string): Labelled | undefined {
    return this.#things.get(key)
  }

  /** Undefined takes it away. */
  set(key: string, thing: Labelled | undefined): void {
    const before = this.#things.get(key)
    if (!before && !thing) return
    if (thing) this.#things.set(key, thing)
    else this.#things.delete(key)
    for (const kept of this.#kept.values()) {
      const was = before !== undefined && kept.members.delete(before)
      const is = thing?.nets.length !== 0 && thing !== undefined && kept.selector.matches(thing.labels)
      if (is) kept.members.add(thing)
      if (was || is) this.#changed.add(kept)
    }
  }

  keys(): IterableIterator<string> {
    return this.#things.keys()
  }

  /** Whoever takes what a selector finds gives it back with `release`. */
  take(selector: Selector): Found {
    let kept = this.#kept.get(selector.text)
    if (!kept) {
      kept = { selector, members: new Set(), users: 0 }
      for (const thing of this.#things.values()) if (selector.matches(thing.labels)) kept.members.add(thing)
      this.#kept.set(selector.text, kept)
    }
    kept.users++
    return kept
  }

  release(found: Found): void {
    const kept = found as Kept
    if (--kept.users === 0) this.#kept.delete(kept.selector.text)
  }

  /** What won, lost or replaced a member since the last call. */
  takeChanges(): ReadonlySet<Found> {
    const changed = this.#changed
    this.#changed = new Set()
    return changed
  }
}
