import type { MessagePort } from 'node:worker_threads'
import type { SimulatedCluster } from '../../../simulator/cluster/cluster.ts'
import { runProcess } from '../../../simulator/kubelet/runtime/run-process.ts'
import { BrokenPipe, type ByteSink } from '../../../simulator/streams.ts'
import { Terminal } from '../../../simulator/terminal.ts'
import type { FromThread, ScriptResult, ToThread } from './messages.ts'

/** Bytes of a terminal's output that may be on their way to the page's side before its programs wait. */
const outputWindow = 64 * 1024

/** A login shell on the workstation, joined to a port; `touched` is told of every key and every output. Resolves when the shell has ended. */
export async function serveTerminal(
  cluster: SimulatedCluster,
  size: { columns: number; rows: number },
  port: MessagePort,
  touched: () => void,
): Promise<void> {
  const sizes: number[] = []
  let onTheWay = 0
  let gone = false
  let waiting: (() => void)[] = []
  const wake = () => {
    for (const resume of waiting.splice(0)) resume()
  }
  const terminal = new Terminal(size, async (bytes) => {
    if (gone) throw new BrokenPipe()
    sizes.push(bytes.length)
    onTheWay += bytes.length
    touched()
    post(port, { kind: 'output', bytes })
    while (onTheWay > outputWindow && !gone) await new Promise<void>((resolve) => waiting.push(resolve))
  })
  const shell = runProcess(cluster.workstation, ['bash', '-l'], { terminal })
  if ('problem' in shell) throw new Error(`the workstation has no bash: ${shell.problem}`)
  const hangUp = () => {
    gone = true
    wake()
    waiting = []
    terminal.hangUp()
    shell.kill('SIGHUP')
  }
  port.on('message', (message: ToThread) => {
    switch (message.kind) {
      case 'input':
        touched()
        return terminal.input(message.bytes)
      case 'resize':
        return terminal.resize(message.columns, message.rows)
      case 'taken':
        onTheWay -= sizes.shift() ?? 0
        return wake()
      case 'cancel':
        return hangUp()
    }
  })
  port.on('close', hangUp)
  const code = await shell.exit
  post(port, { kind: 'done', value: code })
}

/**
 * Runs a script with `sh` on the workstation, in a folder of its own that holds `files` and is removed afterwards.
 * Standard output and error come back as one text.
 */
export async function runScript(
  cluster: SimulatedCluster,
  script: string,
  files: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ScriptResult> {
  const place = cluster.workstation
  const folder = `/tmp/script-${cluster.workstation.random.hex(8)}`
  place.files.makeDirectory(folder, { parents: true })
  const decoder = new TextDecoder()
  let output = ''
  const sink: ByteSink = {
    async write(data) {
      output += typeof data === 'string' ? data : decoder.decode(data, { stream: true })
    },
  }
  try {
    for (const [name, content] of Object.entries(files)) {
      const path = `${folder}/${name}`
      place.files.makeDirectory(path.slice(0, path.lastIndexOf('/')), { parents: true })
      place.files.write(path, content)
    }
    place.files.write(`${folder}/.script.sh`, script)
    const running = runProcess(place, ['bash', '.script.sh'], { cwd: folder, stdout: sink, stderr: sink })
    if ('problem' in running) throw new Error(`the workstation has no bash: ${running.problem}`)
    const stop = () => running.kill('SIGKILL')
    signal.addEventListener('abort', stop, { once: true })
    const exitCode = await running.exit
    signal.removeEventListener('abort', stop)
    signal.throwIfAborted()
    return { exitCode, output }
  } finally {
    place.files.remove(folder, { recursive: true })
  }
}

function post(port: MessagePort, message: FromThread): void {
  port.postMessage(message)
}
