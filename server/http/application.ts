import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import helmet from 'helmet'
import type { Logger } from 'pino'
import { messageOf, Refused, refusalOf } from '../refused.ts'
import { servePage } from './page.ts'
import { type ApiParts, apiRoutes } from './routes.ts'
import { requireTrust, type Trust } from './trust.ts'

export interface ApplicationParts extends ApiParts {
  /** The built page; undefined where another server serves it (development). */
  readonly page: string | undefined
  readonly trust: Trust
  readonly log: Logger
}

export function createApplication(parts: ApplicationParts): Express {
  const application = express()
  application.disable('x-powered-by')
  application.use(
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'self'"],
          scriptSrc: ["'self'"],
          // xterm.js writes style elements and attributes for its colours and cell sizes.
          styleSrc: ["'self'", "'unsafe-inline'"],
          imgSrc: ["'self'", 'data:'],
          fontSrc: ["'self'", 'data:'],
          // 'self' covers the socket as well (CSP 3); older Safari needs the schemes named.
          connectSrc: ["'self'", 'ws:', 'wss:'],
          workerSrc: ["'self'", 'blob:'],
          objectSrc: ["'none'"],
          baseUri: ["'none'"],
          formAction: ["'self'"],
          frameAncestors: ["'none'"],
        },
      },
      // Served over plain HTTP on loopback: HTTPS is for whoever puts a proxy in front.
      strictTransportSecurity: false,
      // Ignored with a warning over plain HTTP on any name but localhost.
      crossOriginOpenerPolicy: false,
      originAgentCluster: false,
    }),
  )
  application.get('/healthz', (_request, response) => {
    response.type('text/plain').send('ok\n')
  })
  application.use(requireTrust(parts.trust))
  application.use('/api', noStore, express.json({ limit: '64kb' }), apiRoutes(parts))
  if (parts.page !== undefined) application.use(servePage(parts.page))
  application.use((request: Request, _response: Response, next: NextFunction) => {
    next(new Refused('unknown-route', `There is no ${request.method} ${request.path}.`, { status: 404 }))
  })
  application.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    const refused = wordRequestError(error)
    if (!(refused instanceof Refused)) parts.log.error({ err: error, method: request.method, path: request.path }, 'a request failed')
    if (response.headersSent) {
      response.destroy()
      return
    }
    response.status(refused instanceof Refused ? refused.status : 500).json(refusalOf(refused))
  })
  return application
}

function noStore(_request: Request, response: Response, next: NextFunction): void {
  response.setHeader('cache-control', 'no-store')
  next()
}

/** What a client did wrong on the way in: body-parser's errors carry a `type` (no JSON, too large), the router's only a status (a path that cannot be decoded). */
function wordRequestError(error: unknown): unknown {
  const { type, status } = (error ?? {}) as { type?: string; status?: number }
  if (error instanceof Refused || typeof status !== 'number' || status < 400 || status >= 500) return error
  if (error instanceof URIError) {
    return new Refused('bad-message', 'The address of the request cannot be decoded.', {
      mend: 'Write each % that means itself as %25.',
      status,
    })
  }
  return new Refused('bad-message', `The request's body is not understood (${type ?? messageOf(error)}).`, {
    mend: 'Send JSON of at most 64 kB.',
    status,
  })
}
