import type { Flag } from './flags.ts'
import type { Verb } from './verb.ts'

/** `--help` of one command, laid out as kubectl lays it out. */
export function helpText(verb: Verb, path: string): string {
  const sections = [verb.more ? `${verb.about}.\n\n ${verb.more}` : `${verb.about}.`]
  if (verb.examples) sections.push(`Examples:\n${verb.examples.map((line) => `  ${line}`).join('\n')}`)
  if (verb.children) sections.push(`Available Commands:\n${childLines(verb.children)}`)
  if (verb.flags && verb.flags.length > 0) sections.push(`Options:\n${flagLines(verb.flags)}`)
  sections.push(`Usage:\n  ${path} ${verb.usage}`)
  const pointer = verb.children ? `Use "${path} <command> --help" for more information about a given command.\n` : ''
  return `${sections.join('\n\n')}\n\n${pointer}Use "kubectl options" for a list of global command-line options (applies to all commands).\n`
}

function childLines(children: readonly Verb[]): string {
  const width = Math.max(11, ...children.map((child) => child.name.length)) + 3
  return [...children]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((child) => `  ${child.name.padEnd(width)}${child.about}`)
    .join('\n')
}

export function flagLines(flags: readonly Flag[]): string {
  return [...flags]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((flag) => {
      const value = flag.kind === 'string' ? `'${flag.value ?? ''}'` : (flag.value ?? '')
      return `    ${flag.short ? `-${flag.short}, ` : ''}--${flag.name}=${value}:\n\t${flag.about}\n`
    })
    .join('\n')
    .trimEnd()
}

export interface VerbGroup {
  readonly title: string
  readonly verbs: readonly Verb[]
}

/** `kubectl --help`. */
export function rootHelp(groups: readonly VerbGroup[]): string {
  const body = groups
    .map((group) => `${group.title}:\n${group.verbs.map((verb) => `  ${verb.name.padEnd(16)}${verb.about}`).join('\n')}`)
    .join('\n\n')
  return `kubectl controls the Kubernetes cluster manager.

 Find more information at: https://kubernetes.io/docs/reference/kubectl/

${body}

Usage:
  kubectl [flags] [options]

Use "kubectl <command> --help" for more information about a given command.
Use "kubectl options" for a list of global command-line options (applies to all commands).
`
}
