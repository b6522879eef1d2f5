import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import { setUp, settled } from './lib/acts.mjs'
import { addTcpCheck, call, runRound, until } from './lib/api.mjs'
import { launch, person, setPrefs } from './lib/browser.mjs'
import { freePort, startServer } from './lib/server.mjs'

/** Every page, in both themes and both languages, under the WCAG 2.2 A and AA rules: nothing serious, nothing critical. */

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

let server
let browser
let chen
let ids

before(async () => {
  server = await startServer()
  browser = await launch()
  chen = await person(browser, { url: server.url, bypassCSP: true })
  const { page } = chen
  await setUp(page, server.setupLink)
  await until(page, '/inspect/rounds?state=finished&limit=1', (list) => list.items.length > 0)
  const check = await addTcpCheck(page, await freePort()) // nobody listens there: red
  const round = await runRound(page)
  const finding = (await until(page, '/inspect/findings', (list) => list.items.some((f) => f.check_id === check.id))).items.find(
    (f) => f.check_id === check.id,
  )
  const me = await call(page, 'GET', '/me')
  await call(page, 'POST', `/inspect/findings/${finding.id}/assign`, {
    account_id: me.account.id,
    version: finding.version,
  })
  await call(page, 'POST', `/inspect/findings/${finding.id}/comment`, { text: '正在查看' })
  await call(page, 'POST', '/journal/verify')
  await until(page, '/journal/verifications', (list) => list.items.some((v) => v.state !== 'running'))
  const exemption = await call(page, 'POST', '/inspect/exemptions', { check_id: check.id, reason: '由云平台方负责' })
  const run = await page.evaluate(async () => {
    const body = new Blob(['主机名,IP地址,环境\naxe-01,10.9.9.1,生产\naxe-02,10.9.9.999,火星\n'])
    const response = await fetch('/api/v1/intake/runs?area_path=/45/&file_name=list.csv', {
      method: 'POST',
      headers: { 'Content-Type': 'application/octet-stream' },
      body,
    })
    return response.json()
  })
  ids = {
    request: exemption.request_id,
    run: run.id,
    check: check.id,
    round: round.id,
    finding: finding.id,
    plan: round.plan_id,
    asset: check.asset_id,
  }
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

async function audit(page, where) {
  await settled(page)
  if (!(await page.evaluate(() => 'axe' in window))) await page.addScriptTag({ content: axe })
  const violations = await page.evaluate(async (only) => {
    const result = await window.axe.run(document, { runOnly: { type: 'tag', values: only }, resultTypes: ['violations'] })
    return result.violations.map((v) => ({
      id: v.id,
      impact: v.impact,
      help: v.help,
      nodes: v.nodes.slice(0, 4).map((n) => `${n.target.join(' ')} — ${n.failureSummary?.split('\n')[1]?.trim() ?? ''}`),
    }))
  }, tags)
  const grave = violations.filter((v) => v.impact === 'serious' || v.impact === 'critical')
  assert.deepEqual(grave, [], where)
}

/** Light and dark, Chinese and English, without loading the page again; ends as it began. */
async function inEveryDress(page, where) {
  const theme = page.locator('.shell-header button:has(.anticon-moon), .shell-header button:has(.anticon-sun)')
  const language = page.locator('.header-language')
  const dressed = (name, lang) => page.locator(`html[data-theme="${name}"][lang="${lang}"]`).waitFor({ state: 'attached' })
  await dressed('light', 'zh-CN')
  await audit(page, `${where}, Chinese, light`)
  await theme.click()
  await dressed('dark', 'zh-CN')
  await audit(page, `${where}, Chinese, dark`)
  await language.click()
  await dressed('dark', 'en')
  await audit(page, `${where}, English, dark`)
  await theme.click()
  await dressed('light', 'en')
  await audit(page, `${where}, English, light`)
}

const pages = [
  ['home', () => '/'],
  ['checks', () => '/inspect/checks'],
  ['check', () => `/inspect/checks/${ids.check}`],
  ['findings', () => '/inspect/findings'],
  ['finding', () => `/inspect/findings/${ids.finding}`],
  ['rounds', () => '/inspect/rounds'],
  ['round', () => `/inspect/rounds/${ids.round}`],
  ['plans', () => '/inspect/plans'],
  ['calendar', () => '/calendar'],
  ['a year without a list', () => '/calendar?year=2100'],
  ['daily check', () => '/inspect/daily'],
  ['scripts', () => '/inspect/scripts'],
  ['workbench of a script', () => '/inspect/scripts/new'],
  ['plan', () => `/inspect/plans/${ids.plan}`],
  ['assets', () => '/fleet/assets'],
  ['asset', () => `/fleet/assets/${ids.asset}`],
  ['dependencies', () => `/fleet/map?asset_id=${ids.asset}`],
  ['found services', () => '/fleet/proposals'],
  ['imports', () => '/intake/runs'],
  ['columns of an import', () => `/intake/runs/${ids.run}`],
  ['decisions', () => '/approval/requests'],
  ['a decision', () => `/approval/requests/${ids.request}`],
  ['journal', () => '/journal'],
  ['row', () => '/journal/rows/3'],
  ['verifications', () => '/journal/verifications'],
  ['segments', () => '/journal/segments'],
  ['subscriptions', () => '/journal/subscriptions'],
  ['accounts', () => '/access/accounts'],
  ['roles', () => '/access/roles'],
  ['production', () => '/access/production'],
  ['profile', () => '/profile'],
  ['a page that does not exist', () => '/nowhere'],
]

for (const [name, path] of pages) {
  test(`axe: ${name}`, async () => {
    await setPrefs(chen.page, { theme: 'light', language: 'zh-CN' })
    await chen.page.goto(path())
    await inEveryDress(chen.page, name)
  })
}

test('axe: the forms that lie over a page', async () => {
  const { page } = chen
  await setPrefs(page, { theme: 'light', language: 'zh-CN' })
  await page.goto('/inspect/checks?new=any')
  await page.getByRole('dialog').getByLabel('检查类型').fill('HTTP')
  await page.locator('.ant-select-dropdown:not(.ant-select-dropdown-hidden) .ant-select-item-option').first().click()
  await page.locator('.threshold-row').first().waitFor()
  await audit(page, 'add a check')

  await page.goto(`/inspect/findings/${ids.finding}`)
  await page.getByRole('button', { name: '改派' }).click()
  await page.getByRole('dialog').waitFor()
  await audit(page, 'assign')

  await page.goto(`/inspect/checks/${ids.check}`)
  await settled(page)
  await page.getByRole('button', { name: '表格' }).click()
  await audit(page, 'history as a table')
})

test('axe: the pages before signing in', async () => {
  for (const theme of ['light', 'dark']) {
    for (const language of ['zh-CN', 'en']) {
      const stranger = await person(browser, { url: server.url, bypassCSP: true, prefs: { theme, language } })
      for (const path of ['/sign-in', '/setup', '/invite']) {
        await stranger.page.goto(path)
        await audit(stranger.page, `${path}, ${language}, ${theme}`)
      }
      await stranger.context.close()
    }
  }
})

test('no page said anything in its console', () => assert.deepEqual(chen.problems, []))
