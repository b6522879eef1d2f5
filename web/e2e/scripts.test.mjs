import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { pick, setUp } from './lib/acts.mjs'
import { runRound, until } from './lib/api.mjs'
import { launch, person, setPrefs } from './lib/browser.mjs'
import { startServer } from './lib/server.mjs'
import { shot, steps } from './lib/steps.mjs'

/** An engineer brings a script that prints a table, and uses a plug-in of the distribution. */

let server
let browser
let chen
let scriptUrl

before(async () => {
  server = await startServer()
  browser = await launch()
  chen = await person(browser, { url: server.url })
  await setUp(chen.page, server.setupLink)
  await until(chen.page, '/inspect/rounds?state=finished&limit=1', (list) => list.items.length > 0)
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

const test = steps(() => ({ chen }))

const script = `#!/bin/sh
# 表空间检查：总是以 0 退出
echo "TABLESPACE            使用率"
echo "--------------------  ------"
echo "SYSTEM                 61.20"
echo "USERS                  $1"
echo "UNDOTBS1               83.05"
`

test('writes a script, runs it in the sandbox and sees what the rule finds', async () => {
  const { page } = chen
  await page.goto('/inspect/scripts')
  await page.getByText('还没有巡检脚本').waitFor()
  await shot(chen.page, 'scripts-empty')
  await page.getByRole('button', { name: '带入脚本' }).first().click()
  await page.getByLabel('名称', { exact: true }).fill('表空间使用率')
  await page.getByLabel('代号').fill('tablespace')
  await pick(page, page.getByLabel('巡检类别'), '数据实例状态')
  await page.getByLabel('脚本正文', { exact: true }).fill(script)
  await page.getByRole('button', { name: '添加参数' }).click()
  await page.getByLabel('参数名').fill('used')
  await page.getByLabel('标题', { exact: true }).fill('用户表空间')
  await page.getByLabel('命令行参数').fill('{used}')
  await page.getByLabel(/^用户表空间/).fill('96.50')
  await page.getByRole('button', { name: '表格列', exact: false }).last().click()
  await page.getByLabel('列标题').fill('使用率')
  await page.getByLabel('单位').fill('%')
  await page.keyboard.press('Control+Enter')
  await page.getByText('退出码 0').waitFor()
  assert.equal(await page.locator('mark').count(), 3)
  // Ranges are judged while they are written, without running the script again.
  await page.getByLabel('警告范围').fill('80')
  await page.getByLabel('严重范围').fill('95')
  await page.locator('mark.found-critical', { hasText: '96.50' }).waitFor()
  await page.locator('mark.found-warning', { hasText: '83.05' }).waitFor()
  await page.locator('.try-verdict', { hasText: 'USERS 96.5%' }).waitFor()
  await shot(chen.page, 'workbench')
})

test('releases it, makes a check of it, and the next round carries its digest', async () => {
  const { page } = chen
  await page.getByRole('button', { name: '保存草稿' }).click()
  await page.getByRole('heading', { name: '表空间使用率', level: 1 }).waitFor()
  scriptUrl = page.url()
  await page.getByRole('region', { name: '版本' }).getByRole('button', { name: /发\s?布/ }).click()
  await page.getByRole('dialog').getByRole('button', { name: /发\s?布/ }).click()
  await page.getByText('在用 v1').waitFor()
  await shot(chen.page, 'script')
  await page.getByRole('button', { name: '添加检查项' }).click()
  const drawer = page.getByRole('dialog')
  await pick(page, drawer.getByLabel('资产', { exact: true }), 'AST-')
  await drawer.getByLabel(/^用户表空间/).fill('84')
  await shot(chen.page, 'script-check')
  await drawer.getByRole('button', { name: '添加检查项' }).click()
  await page.waitForURL(/inspect\/checks\/[0-9a-f-]{36}/)
  const check = page.url().match(/checks\/([0-9a-f-]{36})/)[1]
  await runRound(page)
  const list = await until(page, `/inspect/results?check_id=${check}`, (l) => l.items.length > 0)
  assert.equal(list.items[0].state, 'WARNING')
  assert.match(list.items[0].summary, /USERS 84%/)
  assert.match(list.items[0].script_sha256, /^[0-9a-f]{64}$/)
  await page.reload()
  await page.getByText('tablespace v1', { exact: false }).first().waitFor()
  await shot(chen.page, 'check')
})

test('uses a plug-in that is installed, with its performance data', async () => {
  const { page } = chen
  await page.goto('/inspect/scripts')
  await page.getByRole('button', { name: '使用监控插件' }).click()
  const drawer = page.getByRole('dialog')
  await pick(page, drawer.getByLabel('资产', { exact: true }), 'AST-')
  await drawer.getByLabel('插件', { exact: true }).fill('/usr/lib/nagios/plugins/check_load')
  await drawer.getByLabel('参数', { exact: true }).fill('-w\n900,900,900\n-c\n999,999,999')
  await shot(chen.page, 'plugin')
  await drawer.getByRole('button', { name: '添加检查项' }).click()
  await page.waitForURL(/inspect\/checks\/[0-9a-f-]{36}/)
  const check = page.url().match(/checks\/([0-9a-f-]{36})/)[1]
  await runRound(page)
  const list = await until(page, `/inspect/results?check_id=${check}`, (l) => l.items.length > 0)
  assert.equal(list.items[0].state, 'OK')
  assert.deepEqual(
    list.items[0].perfdata.map((p) => p.label),
    ['load1', 'load5', 'load15'],
  )
})

test('retires the version with a reason, and its check says so', async () => {
  const { page } = chen
  await page.goto(scriptUrl)
  await page.getByRole('button', { name: /停\s?用/ }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('原因').fill('改由新版本检查')
  await dialog.getByRole('button', { name: /停\s?用/ }).click()
  await page.getByText('未发布').first().waitFor()
  await runRound(page)
  const list = await until(page, '/inspect/checks?kind=script.run', (l) => l.items[0]?.current?.reason === 'retired')
  assert.equal(list.items[0].current.state, 'UNKNOWN')
  if (process.env.SHOTS) {
    await setPrefs(page, { theme: 'dark', language: 'en' })
    await page.goto(`${scriptUrl}/draft`)
    await page.getByRole('button', { name: 'Run' }).waitFor()
    await shot(chen.page, 'workbench-dark-en')
  }
  assert.deepEqual(chen.problems, [])
})
