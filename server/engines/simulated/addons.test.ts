import { expect, it } from 'vitest'
import { ingress, ingressWorld } from './testing/ingress-world.ts'

it('has two controllers side by side, each with its own classes; one class of both is served by both', async () => {
  const world = await ingressWorld(['ingress-nginx', 'traefik'])
  world.web('web')
  const publish = (name: string, className?: string) =>
    world.create('ingresses.networking.k8s.io', ingress(name, [{ host: `${name}.com`, service: 'web' }], { className }))
  publish('n', 'nginx')
  publish('t', 'traefik')
  publish('d')
  await world.pass(10_000)
  const through = async (host: string, controller: 'nginx' | 'traefik') => {
    const at = controller === 'nginx' ? '172.18.0.2:80' : world.throughEdge().split(' ')[1]?.replace(':80:', '')
    return (await world.run(`curl -s -o /dev/null -w %{http_code} -H Host:${host} http://${at}/`)).out
  }
  const found: Record<string, string[]> = {}
  for (const name of ['n', 't', 'd']) found[name] = [await through(`${name}.com`, 'nginx'), await through(`${name}.com`, 'traefik')]
  // Traefik's class is the cluster's default one.
  expect(found).toEqual({ n: ['200', '404'], t: ['404', '200'], d: ['404', '200'] })
  expect(await world.logs('ingress-nginx')).toContain(
    '"ignoring ingressclass as the spec.controller is not the same of this ingress" ingressclass="traefik"',
  )
  expect(world.defects).toEqual([])
})

it('takes a right away, and the controller says so and serves what it knows', async () => {
  const world = await ingressWorld(['ingress-nginx'])
  world.web('web')
  world.create('ingresses.networking.k8s.io', ingress('n', [{ host: 'n.com', service: 'web' }], { className: 'nginx' }))
  await world.pass(10_000)
  world.api.delete('clusterrolebindings.rbac.authorization.k8s.io', undefined, 'ingress-nginx')
  await world.pass(11 * 60_000)
  expect((await world.get('http://n.com/')).status).toBe(200)
  expect(await world.logs('ingress-nginx')).toMatch(
    /failed to list \*v1\.Ingress: ingresses\.networking\.k8s\.io is forbidden: User "system:serviceaccount:ingress-nginx:ingress-nginx" cannot list resource/,
  )
  expect(world.defects).toEqual([])
})

it('shows the address of its load balancer where a cloud has one, and answers there', async () => {
  const world = await ingressWorld(['traefik'], undefined, 1)
  world.web('web')
  world.create('ingresses.networking.k8s.io', ingress('n', [{ host: 'n.com', service: 'web' }], { className: 'traefik' }))
  await world.pass(10_000)
  const [point] = world.api.get<any>('ingresses.networking.k8s.io', 'default', 'n').status.loadBalancer.ingress
  expect(point.ip).toMatch(/^\d+(\.\d+){3}$/)
  expect((await world.run(`curl -s -o /dev/null -w %{http_code} -H Host:n.com http://${point.ip}/`)).out).toBe('200')
  expect(world.defects).toEqual([])
})
