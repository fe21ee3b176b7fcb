import { execFile } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { realKubectl } from '../real-kubectl.ts'
import { hasBrowser, openBrowser, terminalOf } from './browser.ts'
import { startFaultline } from './server.ts'

const prompt = /root@workstation:~# ?$/

/** The main job, as a learner does it: from the catalogue to the debrief. Each test goes on where the one before stopped. */
describe.skipIf(!hasBrowser())('Broken DNS in the browser', () => {
  let server: Awaited<ReturnType<typeof startFaultline>>
  let browser: Browser
  let page: Page
  let terminal: ReturnType<typeof terminalOf>
  const problems: string[] = []

  beforeAll(async () => {
    server = await startFaultline()
    browser = await openBrowser()
    page = await browser.newPage({ viewport: { width: 1280, height: 720 } })
    page.on('pageerror', (error) => problems.push(error.message))
    terminal = terminalOf(page)
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })

  const run = async (line: string, shows: RegExp, timeoutMs?: number) => {
    await terminal.type(`clear\n`)
    await terminal.shows(prompt)
    await terminal.type(`${line}\n`)
    return terminal.shows(shows, timeoutMs)
  }
  const checks = async () => {
    const id = new URL(page.url()).pathname.split('/').at(-1)
    const view = (await (await fetch(`${server.url}/api/sessions/${id}`)).json()) as {
      tasks: { checks: { id: string; state: string; evidence?: { seen: string } }[] }[]
    }
    return Object.fromEntries(view.tasks.flatMap((task) => task.checks).map((check) => [check.id, check]))
  }
  const checkBecomes = async (id: string, state: string, timeoutMs: number) => {
    const end = Date.now() + timeoutMs
    for (;;) {
      const check = (await checks())[id]
      if (check?.state === state) return check
      if (Date.now() > end) throw new Error(`check ${id} is ${check?.state} (${check?.evidence?.seen}), not ${state}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  it('finds the lab by its symptom and starts it', async () => {
    await page.goto(server.url)
    await page.keyboard.press('/')
    await page.keyboard.type('SERVFAIL')
    await page.getByRole('button', { name: 'Start Broken DNS' }).click()
    await terminal.shows(prompt, 60_000)
    expect(new URL(page.url()).pathname).toMatch(/^\/sessions\//)
    await page.getByText('0 of 100 points').first().waitFor()
  })

  it('shows the broken cluster in the terminal', async () => {
    await terminal.focus()
    await run('kubectl get pods -A', /coredns-\S+ +0\/1 +(CrashLoopBackOff|Error)/, 30_000)
    await run('kubectl -n kube-system logs -l k8s-app=kube-dns', /Corefile:27 - Error during parsing: Unknown directive 'foward'/)
    await run(
      'kubectl -n shop exec -it deploy/storefront -- nslookup mysql.prod.svc.cluster.local',
      /no servers could be reached|connection refused|timed out/i,
      30_000,
    )
    await run('kubectl -n kube-system get pods | grep -c coredns', /^2$/m)
    await run('kubectl describe pod -n kube-system -l k8s-app=kube-dns | grep -i back-off', /Warning +BackOff +\S+ \(x\d+ over/)
  })

  it('completes verbs and names', async () => {
    await terminal.type('clear\n')
    await terminal.type('kubectl -n kube-system desc\t')
    await terminal.shows(/kubectl -n kube-system describe$/m)
    await terminal.type('conf\t')
    await terminal.shows(/describe configmap/)
    await terminal.press('Control+c')
    await terminal.shows(prompt)
  })

  it('streams, and Ctrl-C stops it', async () => {
    await run('ping 172.18.0.2', /icmp_seq=1[\s\S]*icmp_seq=2/)
    await terminal.press('Control+c')
    await terminal.shows(/packets transmitted[\s\S]*# ?$/)
  })

  it('keeps screen and session through a reload', async () => {
    await run('echo before-the-reload', /^before-the-reload$/m)
    await page.reload()
    await terminal.shows(/^before-the-reload$/m)
    await terminal.focus()
    await run('echo and-after', /^and-after$/m)
  })

  it('hands out a kubeconfig with which a stock kubectl sees the same cluster', async () => {
    const id = new URL(page.url()).pathname.split('/').at(-1)
    const kubeconfig = join(mkdtempSync(join(tmpdir(), 'faultline-kubeconfig-')), 'config.yaml')
    writeFileSync(kubeconfig, await (await fetch(`${server.url}/api/sessions/${id}/kubeconfig`)).text())
    const { stdout } = await promisify(execFile)(realKubectl('1.35'), [
      '--kubeconfig',
      kubeconfig,
      '-n',
      'kube-system',
      'get',
      'deployment',
      'coredns',
    ])
    expect(stdout).toMatch(/coredns +0\/2 +2 +0/)
  })

  it('stays red for a wrong repair, and says what it saw', async () => {
    await run('kubectl -n kube-system delete deployment coredns', /deployment\.apps "coredns" deleted/)
    const check = await checkBecomes('coredns-available', 'failed', 5000)
    expect(check.evidence?.seen).toMatch(/coredns/)
    expect((await checks())['mysql-resolves']?.state).toBe('failed')
  })

  it('goes back to the broken world on reset', async () => {
    await page.keyboard.press('Alt+Shift+L')
    const panel = page.getByRole('button', { name: 'Reset the cluster' })
    if (!(await panel.isVisible())) await page.getByRole('button', { name: /Show the Cluster panel/ }).click()
    await panel.click()
    await page.getByRole('button', { name: 'Reset', exact: true }).click()
    await terminal.shows(/this is a new shell[\s\S]*# ?$/)
    await terminal.focus()
    await run('kubectl -n kube-system get deployment coredns', /coredns +0\/2/)
  })

  it('goes on after the server was killed', async () => {
    await run('kubectl create configmap before-the-kill', /configmap\/before-the-kill created/)
    await page.waitForTimeout(1500)
    await server.kill()
    await page.getByText('Connection lost').waitFor()
    await server.start()
    await terminal.shows(prompt, 20_000)
    await terminal.focus()
    await run('kubectl get configmap before-the-kill', /before-the-kill +0/, 20_000)
  })

  it('turns green within a second of the repair, with its evidence', async () => {
    await terminal.type('clear\n')
    await terminal.type('kubectl -n kube-system edit configmap coredns\n')
    await terminal.shows(/Corefile: \|/)
    await terminal.press('Control+w')
    await terminal.type('foward\n')
    await terminal.shows(/foward \. 172/)
    await terminal.type('for')
    for (let times = 0; times < 2; times++) await terminal.press('Delete')
    await terminal.press('Control+o')
    await terminal.press('Enter')
    await terminal.press('Control+x')
    await terminal.shows(/configmap\/coredns edited/)
    await run(
      'kubectl -n kube-system rollout restart deployment coredns && kubectl -n kube-system rollout status deployment coredns',
      /successfully rolled out/,
      30_000,
    )
    const check = await checkBecomes('mysql-resolves', 'passed', 1000)
    expect(check.evidence?.seen).toMatch(/10\.96\./)
    await checkBecomes('storefront-ready', 'passed', 15_000)
    await page.getByText('100 of 100 points').first().waitFor()
  })

  it('is scored and explained', async () => {
    await page.keyboard.press('Alt+Shift+L')
    await page.getByRole('button', { name: 'Finish' }).first().click()
    await page.getByRole('heading', { name: 'Repaired.' }).waitFor()
    await page.getByText('What the fault was').waitFor()
    expect(problems).toEqual([])
  })
})
