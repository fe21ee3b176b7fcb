import type { IngressClassObject, IngressObject } from '../ingress/objects.ts'
import type { Flags } from './flags.ts'

export const classAnnotation = 'kubernetes.io/ingress.class'

/** Why an Ingress is somebody else's: what stands in the log as the error. */
export interface NotMine {
  readonly error: string
}

/** Whether an IngressClass is this controller's: by its controller, or by name where the flag says so. */
export function isOwnClass(one: IngressClassObject, flags: Flags): boolean {
  return one.spec?.controller === flags.controllerClass || (flags.classByName && one.metadata?.name === flags.ingressClass)
}

/**
 * The class by which an Ingress is this controller's, `_` where it names none and such ones are taken. The field comes first, then the old
 * annotation, which names the controller's own class and asks for no IngressClass (store.GetIngressClass).
 */
export function classOf(
  ingress: IngressObject,
  flags: Flags,
  findClass: (name: string) => IngressClassObject | undefined,
): string | NotMine {
  const name = ingress.spec?.ingressClassName
  if (name !== undefined && name !== null) {
    const found = findClass(name)
    return found && isOwnClass(found, flags) ? name : { error: `no object matching key ${JSON.stringify(name)} in local store` }
  }
  const annotation = ingress.metadata?.annotations?.[classAnnotation]
  if (annotation !== undefined) {
    if (annotation === flags.ingressClass) return annotation
    return { error: 'ingress class annotation is not equal to the expected by Ingress Controller' }
  }
  return flags.watchWithoutClass ? '_' : { error: 'ingress does not contain a valid IngressClass' }
}
