import { type NextFunction, type Request, type Response, Router } from 'express'
import type { z } from 'zod'
import type { EngineOffer, LabSummary } from '../../protocol/catalogue.ts'
import { firstIssue, startSession } from '../../protocol/schemas.ts'
import { bestScores } from '../database/attempts.ts'
import type { Database } from '../database/open-database.ts'
import type { ClusterEngine } from '../engines/engine.ts'
import { clusterSpecOf, type Lab, pointsOf } from '../labs/lab.ts'
import type { LabShelf } from '../labs/shelf.ts'
import { Refused } from '../refused.ts'
import type { Sessions } from '../sessions/sessions.ts'

export interface ApiParts {
  readonly database: Database
  readonly shelf: LabShelf
  readonly engines: readonly ClusterEngine[]
  readonly sessions: Sessions
}

/** The routes under `/api`. Errors go to the one handler at the end of the application. */
export function apiRoutes(parts: ApiParts): Router {
  const { shelf, sessions } = parts
  const router = Router()

  router.get('/catalogue', async (_request, response) => {
    const best = await bestScores(parts.database)
    response.json(await Promise.all(shelf.labs.map((lab) => summarise(lab, parts, best))))
  })
  router.get('/labs/:id', async (request, response) => {
    const lab = shelf.get(request.params.id)
    const summary = await summarise(lab, parts, await bestScores(parts.database))
    response.json({ ...summary, story: lab.story, hints: lab.file.hints.length })
  })
  router.get('/sessions', async (_request, response) => {
    response.json(await sessions.list())
  })
  router.post('/sessions', async (request, response) => {
    const { lab, engine } = parse(startSession, request.body)
    const { view, created } = await sessions.start(lab, engine)
    response.status(created ? 201 : 200).json(view)
  })
  router.get('/sessions/:id', async (request, response) => {
    response.json(await sessions.get(request.params.id))
  })
  router.delete('/sessions/:id', async (request, response) => {
    response.json(await sessions.end(request.params.id))
  })
  for (const verb of ['reset', 'check', 'finish', 'hint'] as const) {
    router.post(`/sessions/:id/${verb}`, async (request: Request<{ id: string }>, response: Response) => {
      response.json(await sessions[verb](request.params.id))
    })
  }
  router.get('/sessions/:id/kubeconfig', async (request, response) => {
    const cluster = await sessions.cluster(request.params.id)
    response.setHeader('content-type', 'application/yaml; charset=utf-8')
    response.setHeader('content-disposition', `attachment; filename="faultline-${request.params.id}.kubeconfig.yaml"`)
    response.send(await cluster.kubeconfigText('learner'))
  })
  router.use((request: Request, _response: Response, next: NextFunction) => {
    next(new Refused('unknown-route', `There is no ${request.method} /api${request.path}.`, { status: 404 }))
  })
  return router
}

async function summarise(lab: Lab, parts: ApiParts, best: ReadonlyMap<string, number>): Promise<LabSummary> {
  const { title, summary, track, level, symptoms, minutes, cluster } = lab.file
  const session = parts.sessions.openFor(lab.id)
  const score = best.get(lab.id)
  return {
    id: lab.id,
    title,
    summary,
    track,
    level,
    symptoms,
    minutes,
    points: pointsOf(lab),
    cluster,
    engines: await Promise.all(lab.file.engines.map((name) => offer(name, lab, parts.engines))),
    ...(session === undefined ? {} : { session }),
    ...(score === undefined ? {} : { best: score }),
  }
}

async function offer(name: EngineOffer['name'], lab: Lab, engines: readonly ClusterEngine[]): Promise<EngineOffer> {
  const engine = engines.find((each) => each.name === name)
  if (engine === undefined) return { name, available: false, reason: `This server has no ${name} engine.`, mend: 'Choose another engine.' }
  const availability = await engine.availability()
  if (!availability.available) return { name, available: false, reason: availability.message, mend: availability.mend }
  const support = engine.supports(clusterSpecOf(lab, 0))
  return support.supported ? { name, available: true } : { name, available: false, reason: support.message, mend: support.mend }
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  throw new Refused('bad-message', `The request is not understood: ${firstIssue(parsed.error)}.`, {
    mend: 'Reload the page, and try again.',
  })
}
