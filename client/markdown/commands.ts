/** Programs that a learner's shell has; a code span that starts with one is a command. */
const programs = new Set(
  'kubectl k curl dig nslookup host ping ip ss nc wget cat grep less head tail watch traceroute tracepath calicoctl cilium hubble iptables conntrack vi vim nano ls cd echo jq tcpdump arp route openssl ipvsadm nft faultline weave flanneld'.split(
    ' ',
  ),
)

const shells = new Set(['bash', 'sh', 'shell', 'console', 'shellsession'])

export function isShell(language: string | undefined): boolean {
  return language !== undefined && shells.has(language)
}

/** Whether an inline code span is a whole command: a known program and at least one word after it. */
export function isCommand(text: string): boolean {
  const [program, argument] = text.trim().split(/\s+/)
  return program !== undefined && argument !== undefined && programs.has(program) && !text.includes('\n')
}

export interface CommandLine {
  /** As written, for showing. */
  readonly text: string
  /** As one line without its prompt, for typing; undefined for comments, output and empty lines. */
  readonly command: string | undefined
}

/**
 * The commands of a shell block. A block with `$ ` prompts is a transcript, of which only the prompted lines are commands.
 * A line that ends in a backslash goes on in the next: typed, both are one line, for a line break would run it.
 */
export function commandLines(block: string): CommandLine[] {
  const lines = block.replace(/\n$/, '').split('\n')
  const transcript = lines.some((line) => line.startsWith('$ '))
  const result: CommandLine[] = []
  for (let index = 0; index < lines.length; index++) {
    let text = lines[index]!
    while (text.endsWith('\\') && index + 1 < lines.length) text += '\n' + lines[++index]!
    const prompted = text.startsWith('$ ')
    const command = (prompted ? text.slice(2) : text).replace(/\s*\\\n\s*/g, ' ').trim()
    const runs = command !== '' && !command.startsWith('#') && (prompted || !transcript)
    result.push({ text: prompted ? text.slice(2) : text, command: runs ? command : undefined })
  }
  return result
}
