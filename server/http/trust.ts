import { isIP } from 'node:net'
import type { NextFunction, Request, Response } from 'express'
import { Refused } from '../refused.ts'

/** Who may talk to the server from a browser. */
export interface Trust {
  /** Host names beside `localhost` and IP addresses, which need no name and so cannot be rebound. */
  readonly hosts: readonly string[]
  /** Whole origins beside the server's own: the development server's. */
  readonly origins: readonly string[]
}

/**
 * A page of another site must not reach this server through the person's browser: neither by sending requests to it (Origin) nor by
 * pointing a name of its own at 127.0.0.1 (DNS rebinding, Host). Returns what is wrong, or undefined.
 */
export function distrust(
  headers: { host?: string | undefined; origin?: string | undefined },
  trust: Trust,
  mutation: boolean,
): Refused | undefined {
  const host = headers.host ?? ''
  if (!trustedName(nameOf(host), trust)) {
    return new Refused('untrusted-host', `This server does not answer to the name "${nameOf(host)}".`, {
      mend: `Open it as localhost, or start it with --allow-host ${nameOf(host)}.`,
      status: 421,
    })
  }
  const { origin } = headers
  if (!mutation || origin === undefined || trust.origins.includes(origin)) return undefined
  if (URL.canParse(origin) && new URL(origin).host === host) return undefined
  return new Refused('untrusted-origin', `A page of ${origin} may not change anything here.`, {
    mend: 'Open the page from this server itself.',
    status: 403,
  })
}

function nameOf(host: string): string {
  return host.startsWith('[') ? host.slice(0, host.indexOf(']') + 1) : (host.split(':')[0] ?? '')
}

function trustedName(name: string, trust: Trust): boolean {
  const plain = name.replace(/^\[|\]$/g, '').toLowerCase()
  return plain === 'localhost' || isIP(plain) !== 0 || trust.hosts.includes(plain)
}

export function requireTrust(trust: Trust) {
  return (request: Request, _response: Response, next: NextFunction): void => {
    const mutation = !['GET', 'HEAD', 'OPTIONS'].includes(request.method)
    next(distrust({ host: request.headers.host, origin: request.headers.origin }, trust, mutation))
  }
}
