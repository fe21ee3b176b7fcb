import type { KubeObject, ResourceName } from '../../kubernetes.ts'
import { type Store, StoreRefusal } from '../../store/store.ts'
import { unknownError } from '../status.ts'

/** Writes an object. What the store refuses goes to the client as kube-apiserver passes on etcd's errors: code 500, the bare text. */
export function written(store: Store, resource: ResourceName, object: KubeObject): KubeObject {
  try {
    return store.put(resource, object)
  } catch (error) {
    if (error instanceof StoreRefusal) throw unknownError(error.message)
    throw error
  }
}
