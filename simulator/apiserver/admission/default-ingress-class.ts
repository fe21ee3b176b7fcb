import type { Ingress } from 'kubernetes-types/networking/v1'
import type { KubeObject } from '../../kubernetes.ts'
import type { Admission } from './admission.ts'
import { newestDefault } from './default-class.ts'

const marks = ['ingressclass.kubernetes.io/is-default-class']

/** DefaultIngressClass: an ingress that names no class, not even by the old annotation, gets the default one. */
export const defaultIngressClass: Admission = {
  name: 'DefaultIngressClass',
  mutate({ operation, resource, subresource, object }, context) {
    if (resource !== 'ingresses.networking.k8s.io' || subresource || operation !== 'CREATE') return object
    const ingress = object as Ingress & KubeObject
    if (!ingress.spec || (ingress.spec.ingressClassName !== undefined && ingress.spec.ingressClassName !== null)) return object
    if (ingress.metadata?.annotations?.['kubernetes.io/ingress.class'] !== undefined) return object
    const found = newestDefault(context.list<KubeObject>('ingressclasses.networking.k8s.io'), marks)
    return found ? { ...ingress, spec: { ...ingress.spec, ingressClassName: found.metadata?.name } } : object
  },
}
