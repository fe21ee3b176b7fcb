import { runProcess } from '../../simulator/kubelet/runtime/run-process.ts'
import { Terminal } from '../../simulator/terminal.ts'
import { host } from './cluster.ts'
import { figures, type Measurement, p99, timed } from './measure.ts'

const prompt = 'root@workstation:~# '

/** The workstation's shell without a browser: from the Enter to the next prompt. */
export async function terminal(): Promise<Measurement[]> {
  const hosted = await host()
  const decoder = new TextDecoder()
  let shown = ''
  let look = () => {}
  const screen = new Terminal({ columns: 120, rows: 40 }, async (bytes) => {
    shown += decoder.decode(bytes, { stream: true })
    look()
  })
  const shell = runProcess(hosted.cluster.workstation, ['bash', '-l'], { terminal: screen })
  if ('problem' in shell) throw new Error(`the workstation has no bash: ${shell.problem}`)
  const prompted = () =>
    new Promise<void>((resolve) => {
      look = () => {
        if (plain(shown).endsWith(prompt)) resolve()
      }
      look()
    })
  await prompted()
  const samples = await timed(
    200,
    async () => {
      shown = ''
      screen.input(new TextEncoder().encode('kubectl get pods -A\r'))
      await prompted()
    },
    20,
  )
  if (!shown.includes('coredns-')) throw new Error(`kubectl did not list the pods:\n${shown}`)
  shell.kill('SIGKILL')
  hosted.close()
  return [{ name: '`kubectl get pods -A` in the terminal, Enter to prompt', unit: 'ms', bars: [p99(30)], value: figures(samples) }]
}

/** Without colours and the like. */
function plain(text: string): string {
  return text.replace(/\x1b\[[0-9;?]*[a-zA-Z]/g, '')
}
