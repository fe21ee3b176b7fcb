import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser, openBrowser, terminalOf } from './browser.ts'
import { startFaultline } from './server.ts'

const prompt = /root@workstation:~# ?$/

describe.skipIf(!hasBrowser())('terminals in the browser', () => {
  let server: Awaited<ReturnType<typeof startFaultline>>
  let browser: Browser
  let page: Page
  let terminal: ReturnType<typeof terminalOf>

  beforeAll(async () => {
    server = await startFaultline()
    browser = await openBrowser()
    const context = await browser.newContext({ viewport: { width: 1280, height: 720 } })
    page = await context.newPage()
    terminal = terminalOf(page)
    await page.goto(server.url)
    await page.getByRole('button', { name: 'Start Broken DNS' }).click()
    await terminal.shows(prompt, 60_000)
    await terminal.focus()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })

  it('a flood in one does not stall another, and Ctrl-C stops it', async () => {
    await terminal.type('yes\n')
    await terminal.shows(/^y\ny\ny$/m)
    await page.getByRole('button', { name: 'New terminal' }).click()
    const second = terminalOf(page, 1)
    await second.shows(prompt)
    await second.focus()
    const began = Date.now()
    await terminal.type('echo still-here\n')
    await second.shows(/^still-here$/m)
    expect(Date.now() - began).toBeLessThan(3000)
    await page.getByRole('tab', { name: /Terminal 1/ }).click()
    await terminal.focus()
    await terminal.press('Control+c')
    await terminal.shows(/\^C[\s\S]*# ?$/)
  })

  it('tells programs its size when the window changes', async () => {
    const size = async (word: string) => {
      await terminal.type(`clear; echo ${word}; stty size\n`)
      const shown = await terminal.shows(new RegExp(`^${word}\\n\\d+ \\d+$`, 'm'))
      return Number(new RegExp(`^${word}\\n(\\d+)`, 'm').exec(shown)?.[1])
    }
    const before = await size('before')
    await page.setViewportSize({ width: 1600, height: 900 })
    await page.waitForTimeout(500)
    expect(await size('after')).toBeGreaterThan(before)
  })

  it('keeps what is typed while the connection is lost, and sends it afterwards', async () => {
    await terminal.type('clear\n')
    await terminal.shows(/^root@workstation:~# ?$/)
    await page.context().setOffline(true)
    await page.getByText('Connection lost').waitFor({ timeout: 60_000 })
    await terminal.type('echo typed-while-offline\n')
    await page.context().setOffline(false)
    await terminal.shows(/^typed-while-offline$/m, 30_000)
    expect((await terminal.text()).match(/^typed-while-offline$/gm)).toHaveLength(1)
  })

  it('shows one terminal in two tabs of the browser', async () => {
    const other = await page.context().newPage()
    await other.goto(page.url())
    const twin = terminalOf(other)
    await twin.shows(/typed-while-offline/)
    await page.bringToFront()
    await terminal.focus()
    await terminal.type('clear; echo from-the-first\n')
    await twin.shows(/^from-the-first$/m)
    await other.close()
  })

  it('recalls history and edits a line', async () => {
    await terminal.type('clear\n')
    await terminal.type('echo one two\n')
    await terminal.shows(/^one two$/m)
    await terminal.press('ArrowUp')
    await terminal.press('Control+w')
    await terminal.type('three\n')
    await terminal.shows(/^one three$/m)
    await terminal.press('Control+r')
    await terminal.type('one tw')
    await terminal.press('Enter')
    await terminal.shows(/one three[\s\S]*^one two$/m)
  })

  it('runs a shell inside a pod, with a terminal of its own', async () => {
    await terminal.type('clear\n')
    await terminal.type('kubectl -n shop exec -it deploy/storefront -- sh\n')
    await terminal.shows(/[#$] ?$/)
    await terminal.type('hostname; cat /etc/resolv.conf\n')
    await terminal.shows(/storefront-[\s\S]*nameserver 10\.96\.0\.10/)
    await terminal.type('exit\n')
    await terminal.shows(prompt)
  })
})
