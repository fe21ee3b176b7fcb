import type { Status } from 'kubernetes-types/meta/v1'

/** What ends a command with one sentence: `error: <message>` on stderr (unless it brings that prefix along) and exit code 1. */
export class Failure extends Error {
  readonly exitCode: number
  constructor(message: string, exitCode = 1) {
    super(message)
    this.name = 'Failure'
    this.exitCode = exitCode
  }
}

/** A sentence that stands on stderr exactly as it is, without the `error: ` before it. */
export class PlainFailure extends Failure {}

/** Ends the command with `exitCode`, silently: everything is said already. */
export class SilentExit extends Failure {
  constructor(exitCode: number) {
    super('', exitCode)
  }
}

/** A failure that leaves something on standard output too. */
export class PrintFailure extends Failure {
  readonly printed: string
  constructor(printed: string, message: string) {
    super(message)
    this.printed = printed
  }
}

/** Several failures of one command, each printed on a line of its own; the exit code is 1. */
export class Failures extends Failure {
  readonly all: readonly Error[]
  constructor(all: readonly Error[]) {
    super(all.map((one) => one.message).join('\n'))
    this.all = all
  }
}

/** The API server's refusal, as a Status. */
export class StatusFailure extends Failure {
  readonly status: Status
  /** What stands before `Error from server …`: the step that failed, where the command names it. */
  constructor(status: Status) {
    super(status.message ?? status.reason ?? 'unknown')
    this.status = status
  }
  get reason(): string {
    return this.status.reason ?? ''
  }
}

/** No answer from the server at all. `cause` is in a Go dialer's words; `refused` where nothing listens. */
export class ConnectionFailure extends Failure {
  readonly host: string
  readonly refused: boolean
  constructor(host: string, refused: boolean, cause: string) {
    super(cause)
    this.host = host
    this.refused = refused
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof StatusFailure && error.reason === 'NotFound'
}

/** What a command prints for a failure, newline at the end; after `checkErr` of kubectl's cmd/util/helpers.go. */
export function failureText(error: Error): string {
  if (error instanceof SilentExit) return ''
  if (error instanceof Failures) return error.all.map((one) => `${serverLine(one) ?? one.message}\n`).join('')
  if (error instanceof StatusFailure && error.reason === 'Invalid') return invalidText(error.status)
  const line = failureLine(error)
  return line.endsWith('\n') ? line : `${line}\n`
}

export function failureLine(error: Error): string {
  const server = serverLine(error)
  if (server !== undefined) return server
  if (error instanceof PlainFailure) return error.message
  return error.message.startsWith('error: ') ? error.message : `error: ${error.message}`
}

function serverLine(error: Error): string | undefined {
  if (error instanceof StatusFailure) {
    const { reason, message } = error.status
    if (reason === 'Unauthorized') return `error: You must be logged in to the server (${message})`
    return reason ? `Error from server (${reason}): ${message}` : `Error from server: ${message}`
  }
  if (error instanceof ConnectionFailure) {
    if (error.refused) return `The connection to the server ${error.host} was refused - did you specify the right host or port?`
    return `Unable to connect to the server: ${error.message}`
  }
  return undefined
}

function invalidText(status: Status): string {
  const details = status.details
  if (!details) return `The request is invalid${status.message ? `: ${status.message}` : ''}\n`
  let head = 'The request is invalid'
  const causes = [...new Set((details.causes ?? []).map((cause) => `${cause.field ?? ''}: ${cause.message}`))]
  if (details.kind || details.name) head = `The ${details.kind ?? ''} ${JSON.stringify(details.name ?? '')} is invalid`
  else if (status.message && causes.length === 0) head += `: ${status.message}`
  if (causes.length === 0) return `${head}\n`
  if (causes.length === 1) return `${head}: ${causes[0]}\n`
  return `${head}: \n${causes.map((cause) => `* ${cause}\n`).join('')}`
}

/** `<message>` with the pointer to the command's help that kubectl adds to misuse. */
export function misuse(path: string, message: string): Failure {
  return new Failure(`${message}\nSee '${path} -h' for help and examples`)
}
