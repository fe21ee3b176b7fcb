import type { Clock, Closer } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { Store } from '../../store/store.ts'

/**
 * What becomes of open watches when rights are taken away. RBAC is asked when a watch begins and never again, so it goes on until its
 * client's own timeout ends it; the client then asks anew and is refused. Watches whose right still holds at that moment simply go on.
 */
export interface WatchRights {
  /**
   * `holds` is asked after changes of roles, bindings and accounts; `end` is called when the watch ends without a right to another.
   * `resumed`: nobody has asked when it was opened, so that happens when the first of its kind would end.
   */
  register(holds: () => boolean, end: () => void, resumed: boolean): Closer
}

/** client-go asks for a watch of five to ten minutes (tools/cache/reflector.go), ms. */
const shortestMs = 5 * 60_000

interface OpenWatch {
  readonly holds: () => boolean
  readonly end: () => void
  ending?: Closer
}

/** Nothing is done, and no timer runs, as long as nobody loses a right; after a restore one does, once, when something has happened. */
export function watchRights({ store, clock, random }: { store: Store; clock: Clock; random: Random }): WatchRights {
  const open = new Set<OpenWatch>()
  let looking = false
  let asking = false

  function lookAtAll(): void {
    looking = false
    for (const watch of open) look(watch)
  }

  function look(watch: OpenWatch): void {
    if (watch.ending || watch.holds()) return
    // Somewhere in the life of a watch of five to ten minutes.
    const left = random.below(shortestMs + random.below(shortestMs))
    watch.ending = clock.after(left, () => {
      delete watch.ending
      if (open.has(watch) && !watch.holds()) watch.end()
    })
  }

  for (const resource of [
    'clusterroles.rbac.authorization.k8s.io',
    'clusterrolebindings.rbac.authorization.k8s.io',
    'roles.rbac.authorization.k8s.io',
    'rolebindings.rbac.authorization.k8s.io',
    'serviceaccounts',
  ]) {
    store.subscribe(resource, ({ type }) => {
      // What is added takes nothing away, and an account is what its name and UID are.
      if (looking || type === 'ADDED' || (resource === 'serviceaccounts' && type !== 'DELETED')) return
      looking = true
      clock.soon(lookAtAll)
    })
  }

  return {
    register(holds, end, resumed) {
      const watch: OpenWatch = { holds, end }
      open.add(watch)
      if (resumed && !asking) {
        asking = true
        clock.whenStirred('watch-rights', () => clock.after(shortestMs, lookAtAll))
      }
      return {
        close() {
          open.delete(watch)
          watch.ending?.close()
        },
      }
    },
  }
}
