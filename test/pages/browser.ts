import { existsSync } from 'node:fs'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { WAIT } from '../support/wait.js'

/** Debian's package, or the one that CHROMIUM names. */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

export const hasChromium = existsSync(executablePath)

/** Title of the tests that need a browser, with the reason where they are skipped. */
export const inChromium = `in Chromium${hasChromium ? '' : ` (skipped: ${executablePath} is missing)`}`

export interface OpenedPage {
  page: Page
  /** URLs of all requests but the page itself. */
  requests: string[]
  /** Messages of the console and uncaught errors. */
  messages: string[]
}

/** Starts a browser for the tests of a file. Returns a function that opens an HTML file in it. */
export function browserOf(): (path: string, width?: number) => Promise<OpenedPage> {
  let browser: Browser
  beforeAll(async () => {
    if (!hasChromium) return
    browser = await chromium.launch({
      executablePath,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    })
  })
  afterAll(() => browser?.close())
  return async (path, width = 1000) => {
    const page = await browser.newPage({ viewport: { width, height: 900 } })
    page.setDefaultTimeout(WAIT.timeout)
    const url = `file://${path}`
    const requests: string[] = []
    const messages: string[] = []
    page.on('request', (request) => {
      if (request.url() !== url) requests.push(request.url())
    })
    page.on('console', (message) => messages.push(message.text()))
    page.on('pageerror', (error) => messages.push(String(error)))
    await page.goto(url)
    return { page, requests, messages }
  }
}

/** Returns the violations that axe-core finds, as `rule: element`. */
export async function violations(page: Page): Promise<string[]> {
  const { source } = (await import('axe-core')).default
  // The page's policy allows no script but its own, so axe runs in the isolated world of evaluate.
  return page.evaluate(async (code) => {
    // oxlint-disable-next-line no-eval
    ;(0, eval)(code)
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
    }
    const found = await axe.run()
    return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
  }, source)
}
