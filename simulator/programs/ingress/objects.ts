import type { ConfigMap, Pod, Service } from 'kubernetes-types/core/v1'
import type { EndpointSlice } from 'kubernetes-types/discovery/v1'
import type { Ingress, IngressClass } from 'kubernetes-types/networking/v1'
import type { KubeObject } from '../../kubernetes.ts'

export type IngressObject = Ingress & KubeObject
export type IngressClassObject = IngressClass & KubeObject
export type ServiceObject = Service & KubeObject
export type SliceObject = EndpointSlice & KubeObject
export type ConfigMapObject = ConfigMap & KubeObject
export type PodObject = Pod & KubeObject

export function keyOf({ metadata }: KubeObject): string {
  return `${metadata?.namespace}/${metadata?.name}`
}
