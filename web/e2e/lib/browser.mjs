import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

export const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

/** A browser that speaks to nobody but the program under test. */
export const launch = () =>
  chromium.launch({
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

/**
 * One person's browser: cookies and preferences of its own. `prefs` are those the console keeps in the browser.
 * What the page says in its console as an error, or throws, is gathered in `problems`.
 */
export async function person(browser, { url, prefs = {}, viewport = { width: 1440, height: 900 }, ...more }) {
  const context = await browser.newContext({
    baseURL: url,
    viewport,
    locale: 'zh-CN',
    timezoneId: 'Asia/Shanghai',
    reducedMotion: 'reduce',
    ...more,
  })
  context.setDefaultTimeout(60_000)
  await context.addInitScript((stored) => {
    if (!localStorage.getItem('taxops.prefs')) localStorage.setItem('taxops.prefs', JSON.stringify(stored))
  }, prefs)
  const page = await context.newPage()
  const problems = []
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('console', (message) => {
    // A refused request is part of the tests; its line is not an error of the page.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) problems.push(message.text())
  })
  return { context, page, problems }
}

export async function setPrefs(page, prefs) {
  await page.evaluate((patch) => {
    const old = JSON.parse(localStorage.getItem('taxops.prefs') ?? '{}')
    localStorage.setItem('taxops.prefs', JSON.stringify({ ...old, ...patch }))
  }, prefs)
}

/** Keeps what the people saw when a step failed, and says where. */
export async function keepScreens(step, people) {
  const dir = join(tmpdir(), 'taxops-e2e-failures')
  await mkdir(dir, { recursive: true })
  for (const [name, who] of Object.entries(people)) {
    const path = join(dir, `${step.replace(/\W+/g, '-')}-${name}.png`)
    await who.page.screenshot({ path }).then(
      () => console.log(`    what ${name} saw: ${path} (${who.page.url()})`),
      () => undefined,
    )
    if (who.problems.length > 0) console.log(`    ${name}'s page said: ${who.problems.join('\n')}`)
  }
}
