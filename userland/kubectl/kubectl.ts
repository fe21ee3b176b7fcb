import type { Command, Process } from '../../simulator/programs/process.ts'
import { Failure, failureText, misuse, PrintFailure } from './cli/failure.ts'
import { findVerb } from './cli/find.ts'
import type { Flag } from './cli/flags.ts'
import { bool, parseFlags } from './cli/flags.ts'
import { globalFlags } from './cli/global-flags.ts'
import { helpText, rootHelp } from './cli/help.ts'
import type { Call } from './cli/verb.ts'
import { createClient } from './client/client.ts'
import type { Discovery } from './client/discovery.ts'
import { discover } from './client/discovery.ts'
import type { Kubeconfig, Target } from './client/kubeconfig.ts'
import { readKubeconfig, resolveTarget } from './client/kubeconfig.ts'
import { rootVerb, verbGroups } from './verbs/tree.ts'

const helpFlag: Flag = bool('help', 'Show this help.', 'h')

/**
 * The terminal's kubectl: talks to any cluster through `process.fetch` and `process.websocket`. Commands, output, errors and exit codes
 * are those of kubectl 1.35 (with the texts of `--help` its own); what it does not do is refused by name.
 */
export const kubectl: Command = {
  kind: 'command',
  id: 'userland/kubectl',
  async run(process) {
    try {
      return await runLine(process, process.argv.slice(1))
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      if (error instanceof PrintFailure) await process.stdout.write(error.printed)
      const text = failureText(error)
      if (text !== '') await process.stderr.write(text)
      return error.exitCode
    }
  },
}

async function runLine(process: Process, words: readonly string[]): Promise<number> {
  // `kubectl help get` is `kubectl get --help`.
  if (words[0] === 'help') return runLine(process, [...words.slice(1), '--help'])
  const { verb, path, rest } = findVerb(rootVerb, words, globalFlags)
  const flags = [...(verb.flags ?? []), ...globalFlags.filter((flag) => !verb.flags?.some((own) => own.name === flag.name)), helpFlag]
  const line = (() => {
    try {
      return parseFlags(rest, flags)
    } catch (error) {
      if (error instanceof Failure) throw new Failure(`${error.message}\nSee '${path} --help' for usage.`)
      throw error
    }
  })()
  if (line.flags.bool('help') || (verb === rootVerb && !verb.run)) {
    await process.stdout.write(verb === rootVerb ? rootHelp(verbGroups) : helpText(verb, path))
    return 0
  }
  if (!verb.run) {
    if (line.args.length > 0) throw misuse(path, `unknown command ${JSON.stringify(line.args[0])}`)
    // As DefaultSubCommandRun: asking for nothing in particular is a mistake.
    await (verb.helpTo === 'stdout' ? process.stdout : process.stderr).write(helpText(verb, path))
    return 1
  }
  const missing = (verb.required ?? []).filter((name) => !line.flags.changed(name))
  if (missing.length > 0) throw new Failure(`required flag(s) ${missing.map((name) => JSON.stringify(name)).join(', ')} not set`)
  const call = createCall(process, path, line)
  if (line.flags.number('v') > 0) await call.err('Warning: this kubectl keeps no request log; -v shows nothing more\n')
  return (await verb.run(call)) ?? 0
}

/** Puts a run together; kubeconfig, client and discovery come into being when they are first asked for. */
export function createCall(process: Process, path: string, line: ReturnType<typeof parseFlags>): Call {
  const kubeconfig = once((): Kubeconfig => readKubeconfig(process, line.flags))
  const target = once((): Target => resolveTarget(process, kubeconfig(), line.flags))
  const client = once(() =>
    createClient(process, target(), async (text) => {
      if (line.flags.bool('warnings-as-errors')) throw new Failure('1 warning received')
      await process.stderr.write(`Warning: ${text}\n`)
    }),
  )
  const discovery = once((): Promise<Discovery> => discover(client()))
  return {
    process,
    flags: line.flags,
    args: line.args,
    dash: line.dash,
    path,
    kubeconfig,
    target,
    client,
    discovery,
    namespace: () => target().namespace,
    async out(text) {
      if (text !== '') await process.stdout.write(text)
    },
    async err(text) {
      if (text !== '') await process.stderr.write(text)
    },
  }
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
