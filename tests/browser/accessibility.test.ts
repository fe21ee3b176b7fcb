import axe from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser, openBrowser, terminalOf } from './browser.ts'
import { startFaultline } from './server.ts'

describe.skipIf(!hasBrowser())('every view passes axe', () => {
  let server: Awaited<ReturnType<typeof startFaultline>>
  let browser: Browser
  beforeAll(async () => {
    server = await startFaultline()
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })

  it.each(['light', 'dark'] as const)('in the %s theme', async (colorScheme) => {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme })
    await page.goto(server.url)
    await page
      .getByRole('button', { name: /Broken DNS/ })
      .first()
      .waitFor()
    expect(await violations(page), 'catalogue').toEqual([])
    await page.getByRole('button', { name: /^(Start|Continue|Start again).*Broken DNS/ }).click()
    await terminalOf(page).shows(/root@workstation:~# ?$/, 60_000)
    expect(await violations(page), 'workspace').toEqual([])
    await page.getByRole('button', { name: 'Finish' }).first().click()
    await page.getByRole('button', { name: 'Finish anyway' }).click()
    await page.getByText('What the fault was').waitFor()
    expect(await violations(page), 'finish').toEqual([])
    await page.close()
  })
})

async function violations(page: Page): Promise<string[]> {
  // Added as the page's own script would be refused by its content security policy; the debugger's is not.
  await page.evaluate(axe.source)
  const { violations: found } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run(document.body.ownerDocument),
  )
  return found.map(({ id, impact, nodes }) => `${id} (${impact}): ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`)
}
