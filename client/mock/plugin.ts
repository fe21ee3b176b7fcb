import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Plugin } from 'vite'
import { createMock } from './server.ts'

/** A pretended server behind the page, in `vite client --mode mock` and `vite preview client --mode mock` only. */
export function mockServer(): Plugin {
  const use = (
    middlewares: { use(handler: (request: IncomingMessage, response: ServerResponse, next: () => void) => void): unknown },
    http: unknown,
  ) => {
    const mock = createMock(http)
    middlewares.use((request, response, next) => {
      if (request.url?.startsWith('/api/')) mock.handle(request, response)
      else next()
    })
  }
  return {
    name: 'faultline-mock',
    configureServer: (server) => use(server.middlewares, server.httpServer),
    configurePreviewServer(server) {
      // As strict as the real server, so that a preview shows what it would block.
      server.middlewares.use((_, response, next) => {
        response.setHeader(
          'content-security-policy',
          "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:",
        )
        next()
      })
      use(server.middlewares, server.httpServer)
    },
  }
}
