import { resolvePath } from '../../../simulator/files.ts'
import { Failure } from '../cli/failure.ts'
import { array, bool, list, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { own } from '../objects/change.ts'
import { fromBase64, toBase64 } from '../objects/text.ts'
import { contentHash } from './content-hash.ts'
import { createGenerated, generatorFlags, nameArgument } from './generate.ts'

const sources = [
  bool('append-hash', 'Append a hash of the content to the name.'),
  array('from-env-file', 'File of KEY=VALUE lines.'),
  list('from-file', 'File, or KEY=FILE, or a directory whose files are taken.'),
  array('from-literal', 'KEY=VALUE.'),
]

export const createConfigMap: Verb = {
  name: 'configmap',
  aliases: ['cm'],
  about: 'Create a config map from a local file, directory or literal value',
  usage: 'NAME [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none] [options]',
  flags: [...sources, ...generatorFlags],
  async run(call) {
    const name = nameArgument(call)
    const entries = gather(call)
    const data: Record<string, string> = {}
    const binaryData: Record<string, string> = {}
    for (const [key, bytes] of entries) {
      const readable = asText(bytes)
      if (readable === undefined) binaryData[key] = toBase64(bytes)
      else data[key] = readable
    }
    const content = { ...(Object.keys(data).length > 0 ? { data } : {}), ...(Object.keys(binaryData).length > 0 ? { binaryData } : {}) }
    const hash = call.flags.bool('append-hash')
      ? `-${contentHash({ data, ...(Object.keys(binaryData).length > 0 ? { binaryData } : {}), kind: 'ConfigMap', name })}`
      : ''
    return createGenerated(call, own('ConfigMap', 'v1', { metadata: { name: name + hash }, ...content }), 'configmap')
  },
}

const generic: Verb = {
  name: 'generic',
  about: 'Create a secret from a local file, directory, or literal value',
  usage: 'NAME [--type=string] [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none] [options]',
  flags: [...sources, text('type', 'Type of the secret.'), ...generatorFlags],
  async run(call) {
    const name = nameArgument(call)
    const entries = [...gather(call)].map(([key, bytes]): [string, string] => [key, toBase64(bytes)])
    const type = call.flags.text('type')
    const content = { ...(entries.length > 0 ? { data: Object.fromEntries(entries) } : {}), ...(type ? { type } : {}) }
    return createGenerated(
      call,
      own('Secret', 'v1', { metadata: { name: name + secretHash(call, name, type, content.data ?? {}) }, ...content }),
      'secret',
    )
  },
}

const tls: Verb = {
  name: 'tls',
  about: 'Create a TLS secret',
  usage: 'NAME --cert=path/to/cert/file --key=path/to/key/file [--dry-run=server|client|none] [options]',
  flags: [
    bool('append-hash', 'Append a hash of the content to the name.'),
    text('cert', 'PEM file of the certificate.'),
    text('key', 'PEM file of the key.'),
    ...generatorFlags,
  ],
  async run(call) {
    const name = nameArgument(call)
    if (!call.flags.text('key') || !call.flags.text('cert')) throw new Failure('key and cert must be specified')
    const read = (flag: string) => {
      const path = call.flags.text(flag)
      if (!call.process.files.exists(resolvePath(call.process.cwd, path)))
        throw new Failure(`Cannot read file ${path}, open ${path}: no such file or directory`)
      return toBase64(readFile(call, path))
    }
    const input = { cert: 'certificate', key: 'key' } as const
    for (const flag of ['cert', 'key'] as const) {
      const text = new TextDecoder().decode(fromBase64(read(flag)))
      if (!/-----BEGIN [^-]+-----[\s\S]*-----END/.test(text)) throw new Failure(`tls: failed to find any PEM data in ${input[flag]} input`)
    }
    const data = { 'tls.crt': read('cert'), 'tls.key': read('key') }
    const hashed = name + secretHash(call, name, 'kubernetes.io/tls', data)
    return createGenerated(call, own('Secret', 'v1', { metadata: { name: hashed }, data, type: 'kubernetes.io/tls' }), 'secret')
  },
}

const registry: Verb = {
  name: 'docker-registry',
  about: 'Create a secret for use with a Docker registry',
  usage: 'NAME --docker-username=user --docker-password=password --docker-email=email [--docker-server=string] [options]',
  flags: [
    bool('append-hash', 'Append a hash of the content to the name.'),
    text('docker-email', 'E-mail address for the registry.'),
    text('docker-password', 'Password for the registry.'),
    text('docker-server', 'Address of the registry.', undefined, 'https://index.docker.io/v1/'),
    text('docker-username', 'User name for the registry.'),
    list('from-file', "A file of Docker's configuration to take as it is."),
    ...generatorFlags,
  ],
  async run(call) {
    const name = nameArgument(call)
    const { flags } = call
    const type = 'kubernetes.io/dockerconfigjson'
    const [file] = flags.list('from-file')
    if (file !== undefined) {
      const data = { '.dockerconfigjson': toBase64(readFile(call, file.slice(file.indexOf('=') + 1))) }
      return createGenerated(
        call,
        own('Secret', 'v1', { metadata: { name: name + secretHash(call, name, type, data) }, data, type }),
        'secret',
      )
    }
    const [username, password, email] = [flags.text('docker-username'), flags.text('docker-password'), flags.text('docker-email')]
    if (!username || !password)
      throw new Failure('either --from-file or the combination of --docker-username, --docker-password and --docker-server is required')
    const auth = toBase64(new TextEncoder().encode(`${username}:${password}`))
    const config = { auths: { [flags.text('docker-server')]: { username, password, ...(email ? { email } : {}), auth } } }
    const data = { '.dockerconfigjson': toBase64(new TextEncoder().encode(JSON.stringify(config))) }
    return createGenerated(
      call,
      own('Secret', 'v1', { metadata: { name: name + secretHash(call, name, type, data) }, data, type }),
      'secret',
    )
  },
}

export const createSecret: Verb = {
  name: 'secret',
  about: 'Create a secret using a specified subcommand',
  usage: '(docker-registry | generic | tls) [options]',
  children: [registry, generic, tls],
}

function secretHash(call: Call, name: string, type: string, data: Record<string, string>): string {
  return call.flags.bool('append-hash') ? `-${contentHash({ data, kind: 'Secret', name, type })}` : ''
}

/** Keys and contents from --from-file, --from-literal and --from-env-file; a key may come once. */
function gather(call: Call): Map<string, Uint8Array> {
  const { flags } = call
  const found = new Map<string, Uint8Array>()
  const add = (key: string, bytes: Uint8Array) => {
    const dots = key.startsWith('..') ? ",must not start with '..'" : ''
    if (!/^[-._a-zA-Z0-9]+$/.test(key) || dots)
      throw new Failure(
        `${JSON.stringify(key)} is not a valid key name for a ${call.path.includes('secret') ? 'Secret' : 'ConfigMap'}: a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')${dots}`,
      )
    if (found.has(key))
      throw new Failure(
        `cannot add key ${JSON.stringify(key)}, another key by that name already exists in Data for ${call.path.includes('secret') ? 'Secret' : 'ConfigMap'} ${JSON.stringify(call.args[0])}`,
      )
    found.set(key, bytes)
  }
  for (const source of flags.list('from-file')) {
    const equals = source.indexOf('=')
    const path = equals < 0 ? source : source.slice(equals + 1)
    const full = resolvePath(call.process.cwd, path)
    if (!call.process.files.exists(full)) throw new Failure(`error reading ${path}: no such file or directory`)
    if (!call.process.files.stat(full).directory)
      add(equals < 0 ? (path.split('/').at(-1) as string) : source.slice(0, equals), readFile(call, path))
    else {
      if (equals >= 0) throw new Failure('cannot give a key name for a directory path')
      for (const entry of call.process.files.list(full)) if (!entry.directory) add(entry.name, readFile(call, `${path}/${entry.name}`))
    }
  }
  for (const literal of flags.list('from-literal')) {
    const equals = literal.indexOf('=')
    if (equals < 1) throw new Failure(`invalid literal source ${literal}, expected key=value`)
    const value = literal.slice(equals + 1)
    add(literal.slice(0, equals), new TextEncoder().encode(/^(["']).*\1$/s.test(value) && value.length > 1 ? value.slice(1, -1) : value))
  }
  if (flags.list('from-env-file').length > 0 && flags.list('from-file').length + flags.list('from-literal').length > 0)
    throw new Failure('from-env-file cannot be combined with from-file or from-literal')
  for (const path of flags.list('from-env-file')) {
    if (!call.process.files.exists(resolvePath(call.process.cwd, path)))
      throw new Failure(`error reading ${path}: no such file or directory`)
    for (const line of new TextDecoder().decode(readFile(call, path)).split('\n')) {
      const trimmed = line.trimStart()
      if (trimmed === '' || trimmed.startsWith('#')) continue
      const equals = trimmed.indexOf('=')
      checkVariable(equals < 0 ? trimmed : trimmed.slice(0, equals))
      if (equals < 0) add(trimmed, new TextEncoder().encode(call.process.env[trimmed] ?? ''))
      else add(trimmed.slice(0, equals), new TextEncoder().encode(trimmed.slice(equals + 1)))
    }
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function checkVariable(name: string): void {
  if (!/^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name))
    throw new Failure(
      `${JSON.stringify(name)} is not a valid key name: a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')`,
    )
}

function readFile(call: Call, path: string): Uint8Array {
  const full = resolvePath(call.process.cwd, path)
  if (!call.process.files.exists(full)) throw new Failure(`open ${path}: no such file or directory`)
  return call.process.files.read(full)
}

function asText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined // not UTF-8: such content belongs into binaryData
  }
}
