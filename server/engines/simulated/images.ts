import { calicoctl } from '../../../simulator/programs/calico/ctl/calicoctl.ts'
import { chroot } from '../../../simulator/programs/chroot.ts'
import { ciliumPrograms } from '../../../simulator/programs/cilium/datapath/programs.ts'
import { faultline } from '../../../simulator/programs/faultline/faultline.ts'
import { netTools } from '../../../simulator/programs/net-tools.ts'
import { cniPlugins, nodeImages } from '../../../simulator/programs/node-images.ts'
import type { Catalogue, Command } from '../../../simulator/programs/process.ts'
import { workloadImages } from '../../../simulator/programs/workload-images.ts'
import { editors } from '../../../userland/editor/catalogue.ts'
import { filters } from '../../../userland/filters/catalogue.ts'
import { completeKubectl } from '../../../userland/kubectl/complete.ts'
import { kubectl } from '../../../userland/kubectl/kubectl.ts'
import { createShell } from '../../../userland/shell/shell.ts'

const shell = createShell({ completers: { kubectl: completeKubectl, k: completeKubectl } })

const tools: Readonly<Record<string, Command>> = { ...filters, ...editors, chroot, sh: shell, bash: shell, ash: shell }

const inFolder = (folder: string, commands: Readonly<Record<string, Command>>) =>
  Object.fromEntries(Object.entries(commands).map(([name, command]) => [`${folder}/${name}`, command]))

/** Everything that can run in a simulated cluster: the simulator's programs and userland's commands, composed. */
export const catalogue: Catalogue = {
  kernelPrograms: ciliumPrograms,
  images: [...nodeImages(tools), ...workloadImages(tools)],
  nodeExecutables: {
    ...cniPlugins,
    ...inFolder('/usr/bin', { ...tools, ...netTools }),
    // Debian's /bin is a link to /usr/bin; `chroot` and the first line of scripts ask for these two by it.
    ...inFolder('/bin', { sh: shell, bash: shell }),
    '/usr/local/bin/calicoctl': calicoctl,
  },
  workstationExecutables: {
    ...inFolder('/usr/bin', { ...tools, ...netTools }),
    '/usr/local/bin/faultline': faultline,
    '/usr/local/bin/kubectl': kubectl,
    '/usr/local/bin/calicoctl': calicoctl,
  },
}
