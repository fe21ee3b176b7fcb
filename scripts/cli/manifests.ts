import { Refused } from '../../server/refused.ts'
import { manifestNames, pluginYaml } from '../../simulator/bootstrap/plugin-manifests.ts'

const usage = `Usage: faultline manifests <plugin>

Prints the manifests that install a network plugin onto a simulated cluster (made with --cni none, or to change its plugin).

  ${manifestNames.join(', ')}
`

/** `faultline manifests flannel > flannel.yaml` */
export async function manifests(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(usage)
    return 0
  }
  const [name, ...more] = argv
  const plugin = manifestNames.find((known) => known === name)
  if (plugin === undefined || more.length > 0) {
    const message = name === undefined ? 'A plugin is needed.' : `There are no manifests of "${argv.join(' ')}".`
    throw new Refused('bad-flag', message, { mend: `Plugins: ${manifestNames.join(', ')}.` })
  }
  // Only kindnet's depend on the cluster: on the name of its control plane.
  process.stdout.write(pluginYaml(plugin, { name: 'faultline', nodes: 3, cni: 'none', seed: 1 }))
  return 0
}
