import { resolvePath } from '../../../simulator/files.ts'
import { Failure } from '../cli/failure.ts'
import type { Call } from '../cli/verb.ts'
import { readAll } from '../objects/text.ts'

/** Refuses what --raw cannot go with (cmd/util and rawhttp), and what is no path. */
export function rawPath(call: Call): string {
  const { flags } = call
  const path = flags.text('raw')
  const files = flags.list('filename')
  if (files.length !== 1) throw new Failure('--raw can only use a single local file or stdin')
  if (/^https?:\/\//.test(files[0] as string)) throw new Failure('--raw cannot read from a url')
  if (flags.bool('recursive')) throw new Failure('--raw and --recursive are mutually exclusive')
  if (flags.has('selector') && flags.text('selector')) throw new Failure('--raw and --selector (-l) are mutually exclusive')
  if (flags.text('output')) throw new Failure('--raw and --output are mutually exclusive')
  if (!path.startsWith('/')) throw new Failure(`--raw must be a valid URL path: parse ${JSON.stringify(path)}: invalid URI for request`)
  return path
}

/** Sends a file as it is, and prints the answer as it is. */
export async function sendRaw(call: Call, method: 'POST' | 'PUT'): Promise<undefined> {
  const path = rawPath(call)
  const [name = ''] = call.flags.list('filename')
  const { stdin, signal, files, cwd } = call.process
  if (name !== '-' && !files.exists(resolvePath(cwd, name))) throw new Failure(`open ${name}: no such file or directory`)
  const body = name === '-' ? await readAll(stdin, signal) : files.readText(resolvePath(cwd, name))
  await call.out(await call.client().text(method, path, { body }))
  return undefined
}
