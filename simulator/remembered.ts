/** How many texts a derivation remembers: the configurations of one thread's clusters are few. */
const mostTexts = 64

/**
 * A pure function of a text (and of the name it goes by) that remembers what it last made. Forks of one template, and nodes of one
 * cluster, read the same configuration again and again, and parsing it costs more than all else that a starting program does.
 * What it returns is shared by all callers and must not be changed. An error is not remembered.
 */
export function remembered<T>(derive: (text: string, name: string) => T): (text: string, name?: string) => T {
  const known = new Map<string, Map<string, { readonly value: T }>>()
  let texts = 0
  return (text, name = '') => {
    const found = known.get(name)?.get(text)
    if (found) return found.value
    const value = derive(text, name)
    if (texts++ >= mostTexts) {
      known.clear()
      texts = 1
    }
    const named = known.get(name) ?? new Map<string, { readonly value: T }>()
    known.set(name, named.set(text, { value }))
    return value
  }
}
