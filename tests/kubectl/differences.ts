const help = "help texts are this kubectl's own: the real ones are not ours to copy"
const kustomize = 'kustomize is not part of this kubectl'
const build = 'this is no build by Go, so it has no commit, date and compiler to name'
const eventOrder = "events of one second stand in the order of Go's unstable sort there, in the server's here"
const randomIds = 'a dry run on the server gives each asker another uid'
const klog = 'a line of klog with the moment and the process stands before the real message'
const clientOnly = '--local needs no server and every default of the Go types: refused by name'

/** Of these two runs may agree by chance. */
export const byChance: ReadonlySet<string> = new Set(['events -n shop'])

/** Lines on which the terminal's kubectl and the real one differ for a reason that is no defect, or that is named as a gap. */
export const differences: Readonly<Record<string, string>> = {
  'auth whoami': 'the kubeconfig on the workstation has a token, the one outside a certificate',
  'config view': 'the kubeconfig on the workstation names the API server inside the simulation',
  'cluster-info': 'the API server has another address inside the simulation',
  'get --help': help,
  set: help,
  rollout: help,
  'get -k kust': kustomize,
  'version --client -o yaml': build,
  'events -n shop': eventOrder,
  'create cm one --dry-run=server -o yaml': randomIds,
  'create cm one --dry-run': klog,
  'set image -f dep.yaml a=x --local': clientOnly,
  'auth reconcile -f dep.yaml': 'reconcile is refused by name',
  'cluster-info dump -o name': 'dump is refused by name',
  'exec -f dep.yaml -- ls': '-f of exec is refused by name',
  'get pods -s http://127.0.0.1:1': 'a process of the simulation speaks HTTPS alone through its client; klog tells of five tries there',
  'completion bash': 'the shell of the terminal completes kubectl by itself',
}
