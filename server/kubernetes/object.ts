/** A Kubernetes object as it travels: JSON, with what every object has. */
export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid?: string
    readonly resourceVersion?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly [field: string]: unknown
  }
  readonly [field: string]: unknown
}

export interface KubeList {
  readonly metadata: { readonly resourceVersion?: string }
  readonly items: readonly KubeObject[]
}

export interface ResourceKind {
  readonly apiVersion: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
}

/** `Deployment prod/web`, `Node worker`: how people read an object's name. */
export function nameOf(object: KubeObject): string {
  const { name, namespace } = object.metadata
  return `${object.kind} ${namespace === undefined ? name : `${namespace}/${name}`}`
}
