import type { Command } from '../process.ts'

const configuration = '10-weave.conflist'

/** The init container's init.sh: kernel settings, the plugin's binaries and its configuration onto the node. Follows weave 2.8.1. */
export const initScript: Command = {
  kind: 'command',
  id: 'weave/init',
  async run({ files, env, namespace }) {
    const root = env['HOST_ROOT'] || '/host'
    if (namespace.sysctl('net.bridge.bridge-nf-call-iptables') !== '1') namespace.setSysctl('net.bridge.bridge-nf-call-iptables', '1')
    const binaries = `${root}/opt/cni/bin`
    files.makeDirectory(binaries, { parents: true })
    for (const name of ['weave-plugin-2.8.1', 'weave-net', 'weave-ipam']) {
      files.write(`${binaries}/${name}`, files.readText('/usr/bin/weaveutil'))
      files.setMode(`${binaries}/${name}`, 0o755)
    }
    const folder = `${root}/etc/cni/net.d`
    files.makeDirectory(folder, { parents: true })
    // What is there stays, so that people may change it.
    if (!files.exists(`${folder}/${configuration}`)) files.write(`${folder}/${configuration}`, conflist(env['HAIRPIN_MODE'] || 'true'))
    return 0
  },
}

function conflist(hairpin: string): string {
  return `{
    "cniVersion": "0.3.0",
    "name": "weave",
    "plugins": [
        {
            "name": "weave",
            "type": "weave-net",
            "hairpinMode": ${hairpin}
        },
        {
            "type": "portmap",
            "capabilities": {"portMappings": true},
            "snat": true
        }
    ]
}
`
}
