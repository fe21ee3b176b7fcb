import { Failure, StatusFailure } from '../cli/failure.ts'
import { array, duration, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { objectPrinter, printFlags } from '../print/printer.ts'
import { nameArgument } from './generate.ts'

/** Kinds that a token can be bound to, with their version. */
const bindable: Readonly<Record<string, string>> = { Node: 'v1', Pod: 'v1', Secret: 'v1' }

export const createToken: Verb = {
  name: 'token',
  about: 'Request a service account token',
  examples: [
    'kubectl create token web',
    'kubectl create token web --duration 10m',
    'kubectl create token web --audience https://vault.example',
  ],
  usage: 'SERVICE_ACCOUNT_NAME [options]',
  flags: [
    array('audience', 'Audience of the token; the API server by default.'),
    text('bound-object-kind', `Kind of an object that the token is bound to: ${Object.keys(bindable).join(', ')}.`),
    text('bound-object-name', 'Name of that object.'),
    text('bound-object-uid', 'UID of that object.'),
    duration('duration', 'How long it is to live.'),
    ...printFlags,
  ],
  run,
}

async function run(call: Call): Promise<undefined> {
  const { flags } = call
  const name = nameArgument(call)
  const audiences = flags.list('audience')
  const life = flags.duration('duration')
  if (life < 0) throw new Failure('--duration must be greater than or equal to 0')
  if (life % 1000 !== 0) throw new Failure('--duration cannot be expressed in units less than seconds')
  if (audiences.includes('')) throw new Failure('--audience must not be an empty string')
  const spec = {
    audiences: audiences.length > 0 ? audiences : null,
    expirationSeconds: life > 0 ? life / 1000 : null,
    boundObjectRef: boundObject(call),
  }
  const body = {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: {},
    spec,
    status: { token: '', expirationTimestamp: null },
  }
  const path = `/api/v1/namespaces/${encodeURIComponent(call.namespace())}/serviceaccounts/${encodeURIComponent(name)}/token`
  const answer = await call
    .client()
    .json('POST', path, { body })
    .catch((error: unknown) => {
      if (error instanceof StatusFailure) throw new Failure(`failed to create token: ${error.message}`)
      throw error
    })
  if (!answer.status?.token) throw new Failure('failed to create token: no token in server response')
  const printer = objectPrinter(call)
  await call.out(printer ? printer.print(answer) + printer.done() : `${answer.status.token}\n`)
}

function boundObject({ flags }: Call): object | null {
  const [kind, name, uid] = [flags.text('bound-object-kind'), flags.text('bound-object-name'), flags.text('bound-object-uid')]
  if (!kind) {
    if (name) throw new Failure('--bound-object-name can only be set if --bound-object-kind is provided')
    if (uid) throw new Failure('--bound-object-uid can only be set if --bound-object-kind is provided')
    return null
  }
  const apiVersion = bindable[kind]
  if (!apiVersion) throw new Failure(`supported --bound-object-kind values are ${Object.keys(bindable).join(', ')}`)
  if (!name) throw new Failure('--bound-object-name is required if --bound-object-kind is provided')
  return { kind, apiVersion, name, ...(uid && { uid }) }
}
