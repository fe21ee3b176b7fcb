import type { Signal } from '../../simulator/programs/process.ts'
import { Signalled } from '../../simulator/programs/process.ts'
import { BrokenPipe } from '../../simulator/streams.ts'
import type { Terminal } from '../../simulator/terminal.ts'
import type { Completer } from './completion.ts'
import { complete } from './completion.ts'
import { execute } from './execution.ts'
import { expandHistory, loadHistory, remember } from './history.ts'
import { describeJob } from './jobs.ts'
import { LineEditor } from './line-editor.ts'
import { Parser } from './parser.ts'
import { expandPrompt } from './prompt.ts'
import type { Shell } from './state.ts'
import { ShellError, Unwind } from './state.ts'
import type { Node } from './syntax.ts'
import { ShellSyntaxError } from './syntax.ts'
import { reportSyntaxError } from './syntax-report.ts'

/** Reads and runs commands on a terminal until `exit`, the end of input, or a signal. Returns the exit status. */
export async function interact(shell: Shell, terminal: Terminal, completers: Readonly<Record<string, Completer>>): Promise<number> {
  loadHistory(shell)
  if (shell.get('PS1') === undefined) shell.set('PS1', shell.dialect === 'bash' ? '\\u@\\h:\\w\\$ ' : '\\w \\$ ')
  const source = shell.descriptors.get(0)?.source ?? terminal.source
  const editor = new LineEditor({
    terminal,
    source,
    signal: shell.process.signal,
    history: shell.history,
    complete: (before) => complete(shell, completers, before),
  })
  const before = terminal.foreground
  // At the prompt keys are read raw; nothing the keyboard sends may end the shell itself.
  terminal.foreground = undefined
  try {
    for (;;) {
      await reportJobs(shell)
      const nodes = await readCommand(shell, editor)
      if (nodes === 'end') {
        await shell.out(shell.name.startsWith('-') ? 'logout\n' : 'exit\n')
        return shell.status
      }
      if (nodes) await runForeground(shell, terminal, nodes)
    }
  } finally {
    terminal.foreground = before
  }
}

/** One complete command, over as many lines as it takes. Undefined where there is nothing to run. */
async function readCommand(shell: Shell, editor: LineEditor): Promise<Node[] | 'end' | undefined> {
  let text = ''
  for (;;) {
    const prompt = await expandPrompt(shell, shell.get(text === '' ? 'PS1' : 'PS2') ?? '')
    const result = await editor.read(prompt)
    if (result.kind === 'interrupt') {
      shell.status = 130
      return undefined
    }
    if (result.kind === 'end') {
      if (text === '') return 'end'
      await shell.out('\n')
      await shell.complain('syntax error: unexpected end of file')
      shell.status = 2
      return undefined
    }
    const history = expandHistory(result.text, shell.history)
    if (history.missing) {
      await shell.complain(history.missing)
      return undefined
    }
    if (history.expanded) await shell.out(`${history.text}\n`)
    text += text === '' ? history.text : `\n${history.text}`
    try {
      const nodes = parse(shell, text)
      remember(shell, text)
      return nodes
    } catch (error) {
      if (!(error instanceof ShellSyntaxError)) throw error
      if (error.incomplete) continue
      remember(shell, text)
      await reportSyntaxError(shell, error)
      shell.status = 2
      return undefined
    }
  }
}

function parse(shell: Shell, text: string): Node[] {
  // A backslash at the end asks for another line, which the lexer alone would not notice.
  if (/(^|[^\\])(\\\\)*\\$/.test(text)) throw new ShellSyntaxError('', { line: 1, incomplete: true })
  const parser = new Parser(text, { dialect: shell.dialect, alias: (name) => shell.aliases.get(name) })
  const nodes: Node[] = []
  for (let node = parser.next(); node; node = parser.next()) nodes.push(node)
  return nodes
}

async function runForeground(shell: Shell, terminal: Terminal, nodes: readonly Node[]): Promise<void> {
  const controller = new AbortController()
  const end = () => controller.abort(shell.process.signal.reason)
  shell.process.signal.addEventListener('abort', end, { once: true })
  shell.signal = controller.signal
  terminal.foreground = (signal: Signal) => {
    if (signal !== 'SIGTSTP') controller.abort(new Signalled(signal))
    else
      void shell.descriptors
        .get(2)
        ?.sink?.write(`\n${shell.prefix()}job stopping (^Z) is not modelled here; end it with ^C, or start it with &\n`)
  }
  const descriptors = shell.descriptors
  try {
    for (const node of nodes) await execute(shell, node)
    // The last command died of it; nothing was left to be interrupted.
    if (controller.signal.aborted) await interrupted(shell)
  } catch (error) {
    await settle(shell, error)
  } finally {
    shell.descriptors = shell.descriptors.get(0) === undefined || shell.signal.aborted ? descriptors : shell.descriptors
    terminal.foreground = undefined
    shell.process.signal.removeEventListener('abort', end)
    shell.signal = shell.process.signal
    Object.assign(shell, { loops: 0, functionDepth: 0, sourceDepth: 0, conditional: 0, frames: [] })
  }
}

async function settle(shell: Shell, error: unknown): Promise<void> {
  if (shell.process.signal.aborted) throw shell.process.signal.reason
  if (error instanceof Unwind) {
    if (error.kind === 'exit') throw error
    return
  }
  if (error instanceof Signalled) {
    shell.status = error.exitCode
    await interrupted(shell)
    return
  }
  if (error instanceof BrokenPipe) {
    shell.status = 141
    return
  }
  if (!(error instanceof ShellError)) throw error
  await shell.complain(error.message)
  shell.status = error.status
}

async function interrupted(shell: Shell): Promise<void> {
  await shell.process.terminal?.sink.write('\n')
  const action = shell.traps.get('INT')
  if (!action) return
  shell.signal = new AbortController().signal
  for (const node of parse(shell, action)) await execute(shell, node)
}

async function reportJobs(shell: Shell): Promise<void> {
  for (const job of [...shell.jobs]) {
    if (job.status === undefined) continue
    await shell.descriptors.get(2)?.sink?.write(`${describeJob(job, shell.jobs)}\n`)
    job.reported = true
  }
  shell.jobs = shell.jobs.filter((job) => !job.reported)
}
