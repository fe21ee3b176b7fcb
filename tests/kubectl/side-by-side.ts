import type { kubectlSession, Outcome, RunOptions } from './session.ts'
import { wordsOf } from './session.ts'

/** One line by the real kubectl and by the terminal's, on the same cluster, with `input` on standard input. */
export async function sideBySide(
  session: Awaited<ReturnType<typeof kubectlSession>>,
  line: string,
  input = '',
  options: RunOptions = {},
): Promise<{ real: Outcome; ours: Outcome }> {
  const real = await session.kubectl(line, { input, ...options })
  const quoted = wordsOf(line)
    .map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
    .join(' ')
  const { output } = await session.cluster.runScript(
    `printf %s '${Buffer.from(input).toString('base64')}' | base64 -d >in; kubectl ${quoted} >out 2>err <in; echo $?; base64 -w 0 out; echo; base64 -w 0 err; echo`,
    {},
  )
  const [code = '', out = '', err = ''] = output.split('\n')
  const text = (encoded: string) => Buffer.from(encoded, 'base64').toString()
  return { real, ours: { code: Number(code), out: text(out), err: text(err) } }
}
