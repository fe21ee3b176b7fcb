import { useSyncExternalStore } from 'react'

/** A value outside React that components can watch. */
export interface Store<Value> {
  get(): Value
  set(next: Value): void
  subscribe(changed: () => void): () => void
}

export function createStore<Value>(initial: Value): Store<Value> {
  let value = initial
  const listeners = new Set<() => void>()
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return
      value = next
      for (const listener of listeners) listener()
    },
    subscribe(changed) {
      listeners.add(changed)
      return () => listeners.delete(changed)
    },
  }
}

/** A store whose value outlives the page, under `faultline.<name>`. Without storage it lives as long as the page. */
export function rememberedStore<Value>(name: string, initial: Value, valid: (value: unknown) => value is Value): Store<Value> {
  const key = `faultline.${name}`
  const store = createStore(read(key, initial, valid))
  return {
    ...store,
    set(next) {
      store.set(next)
      try {
        localStorage.setItem(key, typeof next === 'string' ? next : JSON.stringify(next))
      } catch {
        // Private windows and full disks: the choice then lasts as long as the page.
      }
    },
  }
}

function read<Value>(key: string, initial: Value, valid: (value: unknown) => value is Value): Value {
  try {
    const text = localStorage.getItem(key)
    if (text === null) return initial
    const value: unknown = /^[[{"\d]|^true$|^false$|^null$/.test(text) ? JSON.parse(text) : text
    return valid(value) ? value : initial
  } catch {
    return initial
  }
}

export function useStore<Value>(store: Store<Value>): Value {
  return useSyncExternalStore(store.subscribe, store.get)
}
