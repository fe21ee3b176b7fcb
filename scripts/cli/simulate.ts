import { parseArgs } from 'node:util'
import { Refused } from '../../server/refused.ts'
import { interrupted } from './interrupt.ts'

const usage = `Usage: faultline simulate [options]

Starts a bare simulated cluster and writes its kubeconfig; stops on Ctrl-C.

  --cni <name>           kindnet, flannel, calico, cilium, weave, or none: nodes stay NotReady until a plugin is installed (kindnet)
  --nodes <number>       the control plane included (3)
  --addon <name>         ingress-nginx, traefik; may be repeated
  --kubernetes <minor>   1.34
  --load-balancers <n>   a cloud with a quota of so many (without it: none, Services stay <pending>)
  --seed <number>        names and addresses follow from it (1)
  --kubeconfig <file>    where to write it (faultline.kubeconfig.yaml)
`

/** What server/engines/simulated/simulate.ts offers. */
interface Simulate {
  simulate(options: {
    cni: string
    nodes: number
    kubernetes: string
    seed: number
    loadBalancers: number | undefined
    addons: readonly string[]
    kubeconfig: string
  }): Promise<{ line: string; close(): Promise<void> }>
}

export async function simulateCommand(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(usage)
    return 0
  }
  const flags = parse(argv)
  const options = {
    cni: flags.cni,
    nodes: wholeNumber('nodes', flags.nodes),
    kubernetes: flags.kubernetes,
    seed: wholeNumber('seed', flags.seed),
    loadBalancers: flags['load-balancers'] === undefined ? undefined : wholeNumber('load-balancers', flags['load-balancers']),
    addons: flags.addon,
    kubeconfig: flags.kubeconfig,
  }
  const stop = interrupted()
  const path = '../../server/engines/simulated/simulate.ts'
  const { simulate } = (await import(path)) as Simulate
  const running = await simulate(options)
  process.stdout.write(`${running.line}\n`)
  await stop
  await running.close()
  return 0
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        cni: { type: 'string', default: 'kindnet' },
        nodes: { type: 'string', default: '3' },
        addon: { type: 'string', multiple: true, default: [] },
        kubernetes: { type: 'string', default: '1.34' },
        seed: { type: 'string', default: '1' },
        'load-balancers': { type: 'string' },
        kubeconfig: { type: 'string', default: 'faultline.kubeconfig.yaml' },
      },
    }).values
  } catch (error) {
    throw new Refused('bad-flag', `${(error as Error).message.split('\n')[0]}`, { mend: 'See `faultline simulate --help`.' })
  }
}

function wholeNumber(flag: string, text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new Refused('bad-flag', `--${flag} takes a whole number, not "${text}".`, { mend: `For example --${flag} 3.` })
  return Number(text)
}
