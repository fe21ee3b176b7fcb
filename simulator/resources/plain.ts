/**
 * The same shape as a mapped type. Interfaces (all of kubernetes-types) have no index signature and so do not fit `KubeObject`; an alias does.
 */
export type Plain<T> = { [K in keyof T]: T[K] }
