import { quantityNumber } from '../../resources/quantity.ts'
import { alpineFiles, applets, inFolder, type Tools } from '../image-parts.ts'
import type { Command, Image, Process } from '../process.ts'
import { MiB, type Usage } from '../usage.ts'

/** stress 1.0: `--cpu N`, `--vm N --vm-bytes B`, `--timeout S`; its workers take what they are told to and do nothing else. */
const stress: Command = {
  kind: 'command',
  id: 'stress/stress',
  usage: stressUsage,
  run,
}

function option(argv: readonly string[], ...names: string[]): string | undefined {
  const at = argv.findIndex((word) => names.includes(word.split('=')[0] as string))
  const word = argv[at]
  return at < 0 || word === undefined ? undefined : word.includes('=') ? word.slice(word.indexOf('=') + 1) : argv[at + 1]
}

function counts(argv: readonly string[]) {
  const number = (...names: string[]) => Number(option(argv, ...names) ?? 0)
  return { cpu: number('-c', '--cpu'), io: number('-i', '--io'), vm: number('-m', '--vm'), hdd: number('-d', '--hdd') }
}

export function stressUsage(argv: readonly string[]): Usage {
  const { cpu, vm } = counts(argv)
  const each = quantityNumber((option(argv, '--vm-bytes') ?? '256M').replace(/B$/, '').replace(/([KMG])$/, '$1i'))
  // A worker that hangs has touched its memory once and then sleeps.
  const hangs = option(argv, '--vm-hang') !== undefined
  return { cores: cpu + (hangs ? 0.05 * vm : vm), bytes: 0.5 * MiB + vm * each, secondsAtStart: 0.01 }
}

async function run(process: Process): Promise<number> {
  const { cpu, io, vm, hdd } = counts(process.argv)
  if (cpu + io + vm + hdd === 0) {
    await process.stdout.write(
      `Usage: stress [OPTION [ARG]] ...\n -c, --cpu N\n -m, --vm N\n     --vm-bytes B\n     --vm-hang N\n -t, --timeout N\n`,
    )
    return 0
  }
  await process.stdout.write(`stress: info: [1] dispatching hogs: ${cpu} cpu, ${io} io, ${vm} vm, ${hdd} hdd\n`)
  const seconds = Number(/^(\d+)s?$/.exec(option(process.argv, '-t', '--timeout') ?? '')?.[1] ?? 0)
  // Without a timeout it goes on for ever; the clock's longest wait that nobody outlives.
  await process.clock.sleep(seconds > 0 ? seconds * 1000 : 10 * 365 * 86_400_000, process.signal)
  await process.stdout.write(`stress: info: [1] successful run completed in ${seconds}s\n`)
  return 0
}

export function stressImage(tools: Tools): Image {
  return {
    repositories: ['docker.io/polinux/stress'],
    tags: (tag) => /^(latest|1\.0\.4)$/.test(tag),
    cmd: ['stress'],
    files: alpineFiles(),
    executables: { ...inFolder('/bin', tools, applets), '/usr/local/bin/stress': stress },
  }
}
