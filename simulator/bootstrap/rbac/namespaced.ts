import type { KubeObject } from '../../kubernetes.ts'
import { account, binding, bootstrapped, role, user } from './objects.ts'
import { events, read, rule } from './rule.ts'

const system = 'kube-system'
const open = 'kube-public'
const signer = 'system:controller:bootstrap-signer'

/** Roles and bindings inside kube-system and kube-public: upstream's bootstrappolicy/namespace_policy.go. */
export function namespacedRbac(): KubeObject[] {
  const leader = (program: string) => {
    const name = `system::leader-locking-${program}`
    return [
      role(system, name, [rule('watch', '', 'configmaps'), rule('get update', '', 'configmaps', program)], bootstrapped),
      binding(system, name, [user(`system:${program}`), account(program)], name, bootstrapped),
    ]
  }
  const reader = 'extension-apiserver-authentication-reader'
  const cleaner = 'system:controller:token-cleaner'
  const cloud = 'system:controller:cloud-provider'
  const authentication = [user('system:kube-controller-manager'), user('system:kube-scheduler')]
  return [
    role(system, reader, [rule(read, '', 'configmaps', 'extension-apiserver-authentication')], bootstrapped),
    binding(system, `system::${reader}`, authentication, reader, bootstrapped),
    role(system, signer, [rule(read, '', 'secrets')], bootstrapped),
    binding(system, signer, [account('bootstrap-signer')], signer, bootstrapped),
    role(system, cloud, [rule(`create ${read}`, '', 'configmaps')], bootstrapped),
    binding(system, cloud, [account('cloud-provider')], cloud, bootstrapped),
    role(system, cleaner, [rule(`delete ${read}`, '', 'secrets'), events], bootstrapped),
    binding(system, cleaner, [account('token-cleaner')], cleaner, bootstrapped),
    ...leader('kube-controller-manager'),
    ...leader('kube-scheduler'),
    role(open, signer, [rule(read, '', 'configmaps'), rule('update', '', 'configmaps', 'cluster-info'), events], bootstrapped),
    binding(open, signer, [account('bootstrap-signer')], signer, bootstrapped),
  ]
}
