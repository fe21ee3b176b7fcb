import { existsSync } from 'node:fs'
import { type Browser, chromium, type Locator, type Page } from 'playwright-core'

const chromiumPath = process.env['FAULTLINE_CHROMIUM'] ?? '/usr/bin/chromium'

/** Whether the browser tests can run. Where FAULTLINE_REQUIRE_BROWSER is set (as in CI) a missing browser is a failure instead. */
export function hasBrowser(): boolean {
  if (existsSync(chromiumPath)) return true
  if (process.env['FAULTLINE_REQUIRE_BROWSER']) throw new Error(`the browser tests are required, but there is no ${chromiumPath}`)
  console.log(`The browser tests are skipped: there is no ${chromiumPath}. Install Chromium, or set FAULTLINE_CHROMIUM.`)
  return false
}

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** The terminal as a person has it: keys in, what stands on the screen out. */
export function terminalOf(page: Page, index = 0) {
  const screen: Locator = page.locator('.xterm-rows').nth(index)
  const lines = async () => (await screen.locator(':scope > div').allTextContents()).map((line) => line.replaceAll('\u00a0', ' ').trimEnd())
  // Rows below the last line are blank; they are not what a person reads.
  const text = async () => (await lines()).join('\n').trimEnd()
  return {
    text,
    async focus() {
      await page.locator('.xterm-helper-textarea').nth(index).focus()
    },
    type: (keys: string) => page.keyboard.type(keys),
    press: (key: string) => page.keyboard.press(key),
    /** Waits until the screen matches; fails with what stands there. */
    async shows(pattern: RegExp, timeoutMs = 10_000): Promise<string> {
      const end = Date.now() + timeoutMs
      for (;;) {
        const now = await text()
        if (pattern.test(now)) return now
        if (Date.now() > end) throw new Error(`the terminal never showed ${pattern}; it shows:\n${now}`)
        await page.waitForTimeout(25)
      }
    },
  }
}
