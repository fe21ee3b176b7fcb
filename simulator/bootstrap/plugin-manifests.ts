import { stringify } from 'yaml'
import type { KubeObject } from '../kubernetes.ts'
import { calicoManifest } from './calico.ts'
import { canal } from './canal.ts'
import { flannel } from './flannel.ts'
import { kindnet } from './kindnet.ts'
import { pluginRbac } from './rbac/plugins.ts'
import type { ClusterSpec, Plugin } from './spec.ts'
import { weave } from './weave.ts'

/** Plugins that bring no kinds of their own. */
const objects = {
  kindnet: (spec: ClusterSpec) => kindnet(spec),
  flannel: () => flannel(),
  weave: () => weave(),
} satisfies Partial<Record<Plugin, (spec: ClusterSpec) => KubeObject[]>>

export type InstallablePlugin = keyof typeof objects
export const installablePlugins = Object.keys(objects) as readonly InstallablePlugin[]

/** All that `kubectl apply` needs to install a plugin, in an order in which it can be created. */
export function pluginManifests(plugin: InstallablePlugin, spec: ClusterSpec): KubeObject[] {
  const [namespaces, others] = [[] as KubeObject[], [] as KubeObject[]]
  for (const object of objects[plugin](spec)) (object.kind === 'Namespace' ? namespaces : others).push(object)
  return [...namespaces, ...pluginRbac({ cni: plugin }), ...others]
}

/** Manifests that come with kinds of their own, and Canal, which is two plugins in one. */
const withKinds: Readonly<Record<string, () => KubeObject[]>> = { calico: () => calicoManifest('vxlan'), canal }

/** All of which there is a file, by its name without `.yaml`. */
export const manifestNames: readonly string[] = [...installablePlugins, ...Object.keys(withKinds)]

/** A file for `kubectl apply -f`; `name` is one of `manifestNames`. */
export function pluginYaml(name: string, spec: ClusterSpec): string {
  const plugin = installablePlugins.find((known) => known === name)
  const made = plugin === undefined ? withKinds[name]?.() : pluginManifests(plugin, spec)
  if (made === undefined) throw new Error(`there are no manifests of ${name}`)
  return made.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n')
}
