import { FileError } from '../../simulator/files.ts'
import { Signalled } from '../../simulator/programs/process.ts'
import { BrokenPipe, emptySource, Pipe } from '../../simulator/streams.ts'
import { Input, join } from '../posix/lines.ts'
import { patternRegExp } from '../posix/pattern.ts'
import { assign } from './assignments.ts'
import type { Builtin } from './builtins/builtin.ts'
import { evaluateCondition } from './condition.ts'
import type { Descriptor } from './descriptors.ts'
import { redirect } from './descriptors.ts'
import { arithmetic, expandToFields, expandToPattern, expandToString } from './expansion.ts'
import { runExternal } from './external.ts'
import type { Job } from './jobs.ts'
import { shellQuote } from './parameters.ts'
import type { Shell } from './state.ts'
import { ShellError, signalStatus, Unwind } from './state.ts'
import type { Node, Redirection } from './syntax.ts'

/** How deep functions may call each other before the shell gives up, rather than exhaust its host's stack. */
const deepest = 500

/** The builtins by name; given at the start, as some of them execute lists themselves. */
let builtins: ReadonlyMap<string, Builtin> = new Map()
export function installBuiltins(table: ReadonlyMap<string, Builtin>): void {
  builtins = table
}

/** Runs a node in the shell's own environment and returns its exit status, which is `$?` afterwards. */
export async function execute(shell: Shell, node: Node): Promise<number> {
  shell.status = await executeNode(shell, node)
  return shell.status
}

async function executeNode(shell: Shell, node: Node): Promise<number> {
  switch (node.kind) {
    case 'list': {
      let status = shell.status
      if (node.items.length === 0) return 0
      for (const item of node.items) {
        shell.signal.throwIfAborted()
        status = item.background ? await background(shell, item.node, item.source) : await execute(shell, item.node)
      }
      return status
    }
    case 'and-or': {
      let status = await inCondition(shell, node.first)
      for (const [index, { operator, node: next }] of node.rest.entries()) {
        if ((operator === '&&') !== (status === 0)) continue
        status = index === node.rest.length - 1 ? await execute(shell, next) : await inCondition(shell, next)
      }
      return status
    }
    case 'pipeline':
      return pipeline(shell, node)
    case 'simple':
      shell.line = node.line
      return exitOnError(shell, await simple(shell, node))
    case 'function':
      shell.functions.set(node.name, { body: node.body, source: node.source })
      return 0
    case 'subshell': {
      const status = await withRedirections(shell, node.redirections, () => subshell(shell.fork(), node.body))
      return exitOnError(shell, status)
    }
    case 'test':
    case 'arithmetic': {
      shell.line = node.line
      return exitOnError(shell, await withRedirections(shell, node.redirections, () => evaluate(shell, node)))
    }
    default:
      return withRedirections(shell, node.redirections, () => compound(shell, node))
  }
}

async function evaluate(shell: Shell, node: Extract<Node, { kind: 'test' | 'arithmetic' }>): Promise<number> {
  try {
    if (node.kind === 'arithmetic') return (await arithmetic(shell, node.expression)) === 0n ? 1 : 0
    return (await evaluateCondition(shell, node.condition)) ? 0 : 1
  } catch (error) {
    if (!(error instanceof ShellError) || error.fatal) throw error
    await shell.complain(node.kind === 'arithmetic' ? `((: ${error.message}` : error.message)
    return node.kind === 'arithmetic' ? 1 : 2
  }
}

function exitOnError(shell: Shell, status: number): number {
  if (status !== 0 && shell.options.errexit && shell.conditional === 0) throw new Unwind('exit', status)
  return status
}

async function inCondition(shell: Shell, node: Node): Promise<number> {
  shell.conditional++
  try {
    return await execute(shell, node)
  } finally {
    shell.conditional--
  }
}

async function withRedirections(shell: Shell, redirections: readonly Redirection[], run: () => Promise<number>): Promise<number> {
  if (redirections.length === 0) return run()
  const before = shell.descriptors
  try {
    shell.descriptors = await redirect(shell, redirections)
  } catch (error) {
    if (!(error instanceof ShellError) || error.fatal) throw error
    await shell.complain(error.message)
    return 1
  }
  try {
    return await run()
  } finally {
    shell.descriptors = before
  }
}

type Compound = Extract<Node, { kind: 'group' | 'if' | 'while' | 'for' | 'arithmetic-for' | 'case' }>

async function compound(shell: Shell, node: Compound): Promise<number> {
  shell.line = node.line
  switch (node.kind) {
    case 'group':
      return execute(shell, node.body)
    case 'if':
      for (const { condition, body } of node.branches) if ((await inCondition(shell, condition)) === 0) return execute(shell, body)
      return node.otherwise ? execute(shell, node.otherwise) : 0
    case 'while': {
      const wanted = !node.until
      return loop(
        shell,
        async (body) => {
          while (((await inCondition(shell, node.condition)) === 0) === wanted) if (!(await body())) break
        },
        node.body,
      )
    }
    case 'for': {
      const words = node.words ? await expandToFields(shell, node.words) : [...shell.parameters]
      return loop(
        shell,
        async (body) => {
          for (const word of words) {
            shell.set(node.name, word)
            if (!(await body())) break
          }
        },
        node.body,
      )
    }
    case 'arithmetic-for': {
      await arithmetic(shell, node.start)
      return loop(
        shell,
        async (body) => {
          while (node.test.parts.length === 0 || (await arithmetic(shell, node.test)) !== 0n) {
            if (!(await body())) break
            await arithmetic(shell, node.step)
          }
        },
        node.body,
      )
    }
    default:
      return caseOf(shell, node)
  }
}

/** Runs `iterate`, which calls `body` for each round until it answers false; deals with `break` and `continue`. */
async function loop(shell: Shell, iterate: (body: () => Promise<boolean>) => Promise<void>, node: Node): Promise<number> {
  let status = 0
  shell.loops++
  const unwinds = async (run: () => Promise<unknown>): Promise<boolean> => {
    try {
      await run()
      return true
    } catch (error) {
      if (!(error instanceof Unwind) || (error.kind !== 'break' && error.kind !== 'continue')) throw error
      status = 0
      if (error.count > 1) {
        error.count--
        throw error
      }
      return error.kind === 'continue'
    }
  }
  try {
    await unwinds(() =>
      iterate(() =>
        unwinds(async () => {
          await shell.step()
          status = await execute(shell, node)
        }),
      ),
    )
  } finally {
    shell.loops--
  }
  return status
}

async function caseOf(shell: Shell, node: Extract<Node, { kind: 'case' }>): Promise<number> {
  const subject = await expandToString(shell, node.word)
  let status = 0
  let falling = false
  for (const clause of node.clauses) {
    let matches = falling
    for (const pattern of clause.patterns) {
      if (matches) break
      matches = patternRegExp(await expandToPattern(shell, pattern)).test(subject)
    }
    if (!matches) continue
    status = await execute(shell, clause.body)
    if (clause.end === ';;' || clause.end === ';;;') break
    falling = clause.end === ';&'
  }
  return status
}

async function pipeline(shell: Shell, node: Extract<Node, { kind: 'pipeline' }>): Promise<number> {
  const startedAt = shell.process.clock.now()
  const status = node.negated ? await inCondition(shell, stagesOf(node)) : await runStages(shell, node)
  if (node.timed) {
    const seconds = (shell.process.clock.now() - startedAt) / 1000
    const real = `${Math.floor(seconds / 60)}m${(seconds % 60).toFixed(3)}s`
    await shell.descriptors.get(2)?.sink?.write(`\nreal\t${real}\nuser\t0m0.000s\nsys\t0m0.000s\n`)
  }
  if (node.negated) return status === 0 ? 1 : 0
  return node.stages.length > 1 ? exitOnError(shell, status) : status
}

function stagesOf(node: Extract<Node, { kind: 'pipeline' }>): Node {
  return node.stages.length === 1 ? (node.stages[0] as Node) : { ...node, negated: false, timed: false }
}

async function runStages(shell: Shell, node: Extract<Node, { kind: 'pipeline' }>): Promise<number> {
  if (node.stages.length === 1) return execute(shell, node.stages[0] as Node)
  let input: Pipe | undefined
  const running = node.stages.map((stage, index) => {
    const output = index < node.stages.length - 1 ? new Pipe() : undefined
    const stageShell = shell.fork()
    stageShell.started = shell.started
    const descriptors = new Map<number, Descriptor>(shell.descriptors)
    const source = input
    if (source) descriptors.set(0, { source: new Input(source) })
    if (output) descriptors.set(1, { sink: output })
    if (output && node.errors[index]) descriptors.set(2, { sink: output })
    stageShell.descriptors = descriptors
    input = output
    return subshell(stageShell, stage).finally(() => {
      output?.end()
      source?.abandon()
    })
  })
  const statuses = await Promise.all(running)
  shell.pipeStatus = statuses
  if (shell.options.pipefail) return statuses.findLast((status) => status !== 0) ?? 0
  return statuses.at(-1) ?? 0
}

/** Runs a node in `shell`, a fork that is its own: `exit`, errors and signals end there and become its status. */
export async function subshell(shell: Shell, node: Node): Promise<number> {
  let status: number
  try {
    status = await execute(shell, node)
  } catch (error) {
    status = await endStatus(shell, error)
  }
  shell.status = status
  return runExitTrap(shell, status)
}

export async function runExitTrap(shell: Shell, status: number): Promise<number> {
  const action = shell.traps.get('EXIT')
  if (!action) return status
  shell.traps.delete('EXIT')
  // A signal that ended the rest does not end what is left to do.
  if (shell.signal.aborted) shell.signal = new AbortController().signal
  try {
    await builtins.get('eval')?.run(shell, ['eval', action])
    return status
  } catch (error) {
    return endStatus(shell, error)
  }
}

/** The exit status that an escaped error stands for, after telling what is to be told. Rethrows what is no ending. */
export async function endStatus(shell: Shell, error: unknown): Promise<number> {
  if (error instanceof Unwind) return error.kind === 'exit' || error.kind === 'return' ? error.count : shell.status
  if (error instanceof Signalled) return error.exitCode
  if (shell.signal.aborted && error === shell.signal.reason) return signalStatus(error)
  if (error instanceof BrokenPipe) return 141
  if (error instanceof ShellError) {
    await shell.complain(error.message)
    return error.status
  }
  throw error
}

async function background(shell: Shell, node: Node, source: string): Promise<number> {
  const fork = shell.fork()
  const controller = new AbortController()
  // In scripts the end of the shell takes its children along here; the interactive shell's jobs outlive a Ctrl-C.
  if (!shell.options.interactive) shell.signal.addEventListener('abort', () => controller.abort(shell.signal.reason), { once: true })
  fork.signal = controller.signal
  const descriptors = new Map<number, Descriptor>(shell.descriptors)
  descriptors.set(0, { source: new Input(emptySource) })
  fork.descriptors = descriptors
  let started: (pid: number) => void = () => {}
  const pidKnown = new Promise<number>((resolve) => {
    started = resolve
  })
  // `$!` of a single command is that command's pid; a compound one has none of its own and gets a number of the shell's.
  if (node.kind === 'simple') fork.started = started
  const own = shell.processId + 1000 + ++shell.counters.pid
  const finished = subshell(fork, node)
  const pid = node.kind === 'simple' ? await Promise.race([pidKnown, finished.then(() => own)]) : own
  const job: Job = {
    number: (shell.jobs.at(-1)?.number ?? 0) + 1,
    pid,
    text: source,
    status: undefined,
    finished,
    reported: false,
    kill: (signal) => controller.abort(new Signalled(signal)),
  }
  void finished.then((status) => {
    job.status = status
  })
  shell.jobs.push(job)
  shell.backgroundId = pid
  if (shell.options.interactive && shell.subshell === 0) await shell.descriptors.get(2)?.sink?.write(`[${job.number}] ${pid}\n`)
  return 0
}

async function simple(shell: Shell, node: Extract<Node, { kind: 'simple' }>): Promise<number> {
  await shell.step()
  shell.substitutionStatus = undefined
  const argv = await expandToFields(shell, node.words)
  if (shell.options.xtrace) await trace(shell, node, argv)
  const name = argv[0]
  if (name === undefined) {
    for (const assignment of node.assignments) await assign(shell, assignment)
    const status = shell.substitutionStatus ?? 0
    return node.redirections.length > 0 ? withRedirections(shell, node.redirections, async () => status) : status
  }
  const builtin = shell.functions.has(name) ? undefined : builtins.get(name)
  if (builtin && (!builtin.bashOnly || shell.dialect === 'bash')) {
    return runBuiltin(shell, node, builtin, argv)
  }
  return withTemporary(shell, node, () =>
    withRedirections(shell, node.redirections, async () => {
      const definition = shell.functions.get(name)
      return definition ? callFunction(shell, definition.body, argv) : runExternal(shell, argv)
    }),
  )
}

async function runBuiltin(
  shell: Shell,
  node: Extract<Node, { kind: 'simple' }>,
  builtin: Builtin,
  argv: readonly string[],
): Promise<number> {
  // `exec >file` keeps its redirections.
  if (argv[0] === 'exec') {
    for (const assignment of node.assignments) await assign(shell, assignment)
    const before = shell.descriptors
    shell.descriptors = await redirect(shell, node.redirections)
    if (argv.length > 1) return builtin.run(shell, argv).finally(() => (shell.descriptors = before))
    return 0
  }
  const run = () =>
    withRedirections(shell, node.redirections, async () => {
      try {
        return await builtin.run(shell, argv)
      } catch (error) {
        if (error instanceof FileError) {
          await shell.complain(`${argv[0]}: ${error.path}: ${error.message}`)
          return 1
        }
        if (!(error instanceof ShellError) || error.fatal) throw error
        await shell.complain(error.message)
        return error.status
      }
    })
  if (!builtin.special) return withTemporary(shell, node, run)
  for (const assignment of node.assignments) await assign(shell, assignment)
  return run()
}

/** Runs with the assignments that stand before a command, exported, and takes them back afterwards. */
async function withTemporary(shell: Shell, node: Extract<Node, { kind: 'simple' }>, run: () => Promise<number>): Promise<number> {
  if (node.assignments.length === 0) return run()
  const before = node.assignments.map(({ name }) => [name, shell.variables.get(name)] as const)
  try {
    for (const assignment of node.assignments) {
      await assign(shell, assignment)
      shell.variables.set(assignment.name, { ...shell.variables.get(assignment.name), exported: true })
    }
    return await run()
  } finally {
    for (const [name, variable] of before) {
      if (variable) shell.variables.set(name, variable)
      else shell.variables.delete(name)
    }
  }
}

async function callFunction(shell: Shell, body: Node, argv: readonly string[]): Promise<number> {
  if (shell.functionDepth >= deepest) throw new ShellError(`${argv[0]}: maximum function nesting level exceeded (${deepest})`, 1)
  const parameters = shell.parameters
  const loops = shell.loops
  const frame = new Map()
  shell.parameters = argv.slice(1)
  shell.loops = 0
  shell.frames.push(frame)
  shell.functionDepth++
  try {
    return await execute(shell, body)
  } catch (error) {
    if (error instanceof Unwind && error.kind === 'return') return error.count
    throw error
  } finally {
    shell.functionDepth--
    shell.frames.pop()
    for (const [name, variable] of frame) {
      if (variable) shell.variables.set(name, variable)
      else shell.variables.delete(name)
    }
    shell.parameters = parameters
    shell.loops = loops
  }
}

async function trace(shell: Shell, node: Extract<Node, { kind: 'simple' }>, argv: readonly string[]): Promise<void> {
  const prefix = shell.get('PS4') ?? '+ '
  const before: string[] = []
  for (const { name, value, append, array } of node.assignments) {
    if (!array) before.push(`${name}${append ? '+' : ''}=${shellQuoteEmpty(await expandToString(shell, value))}`)
  }
  if (argv.length === 0 && before.length === 0) return
  const text = [...before, ...argv.map((word) => (word === '' ? "''" : shellQuote(word)))].join(' ')
  await shell.descriptors.get(2)?.sink?.write(`${prefix}${text}\n`)
}

function shellQuoteEmpty(text: string): string {
  return text === '' ? '' : shellQuote(text)
}

/** `$( … )`: what the list writes, without its last newlines. */
export async function substitute(shell: Shell, list: Node): Promise<string> {
  const chunks: Uint8Array[] = []
  const encoder = new TextEncoder()
  const fork = shell.fork()
  const descriptors = new Map<number, Descriptor>(shell.descriptors)
  descriptors.set(1, { sink: { write: async (data) => void chunks.push(typeof data === 'string' ? encoder.encode(data) : data) } })
  fork.descriptors = descriptors
  // POSIX: `set -e` does not reach into a substitution in bash unless in POSIX mode.
  if (shell.dialect === 'bash') fork.options.errexit = false
  shell.substitutionStatus = await subshell(fork, list)
  shell.signal.throwIfAborted()
  const text = chunks.length === 0 ? '' : new TextDecoder().decode(join(chunks))
  return text.replaceAll('\0', '').replace(/\n+$/, '')
}
