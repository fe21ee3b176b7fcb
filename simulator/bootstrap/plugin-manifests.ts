import { stringify } from 'yaml'
import type { KubeObject } from '../kubernetes.ts'
import { flannel } from './flannel.ts'
import { kindnet } from './kindnet.ts'
import { pluginRbac } from './rbac/plugins.ts'
import type { ClusterSpec, Plugin } from './spec.ts'
import { weave } from './weave.ts'

/** Plugins that can be installed onto a cluster that was made without one; the others bring kinds that such a cluster does not serve. */
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

/** The same as a file. */
export function pluginYaml(plugin: InstallablePlugin, spec: ClusterSpec): string {
  return pluginManifests(plugin, spec)
    .map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
    .join('---\n')
}
