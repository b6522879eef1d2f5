import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, before } from 'node:test'
import { fillNewPassword, homeShown, pick, setUp, settled } from './lib/acts.mjs'
import { launch, person } from './lib/browser.mjs'
import { freePort, listen, startServer } from './lib/server.mjs'
import { steps } from './lib/steps.mjs'

/** Two people and one port: from the empty installation to a finding that closed by itself. */

let server
let browser
let chen
let wang
let port
let listener

before(async () => {
  server = await startServer()
  browser = await launch()
  chen = await person(browser, { url: server.url })
  wang = await person(browser, { url: server.url })
  port = await freePort()
  listener = await startListener()
})

after(async () => {
  await browser?.close()
  await server?.stop()
  await stopListener()
})

async function startListener() {
  const made = createServer((socket) => socket.end())
  await listen(made, port)
  return made
}

async function stopListener() {
  if (!listener?.listening) return
  await new Promise((done) => listener.close(done))
}

let checkUrl
let findingUrl

const test = steps(() => ({ chen, wang }))

/** Runs the plan now and waits on the page of the round until it is over. */
async function runNow(page) {
  await page.goto('/inspect/plans')
  await page.locator('tbody a[href^="/inspect/plans/"]').first().click()
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.getByRole('button', { name: '立即巡检' }).click()
  await page.waitForURL(/\/inspect\/rounds\//)
  // The button is back when the round is over.
  await page.getByRole('button', { name: '立即巡检' }).waitFor()
}

const stateWord = (page, word) => page.locator('.big-state-word', { hasText: word }).first().waitFor()

test('the set-up link makes the first account', async () => {
  await setUp(chen.page, server.setupLink)
  await chen.page.getByText('试用').first().waitFor()
  assert.equal(await chen.page.getByRole('button', { name: '立即巡检' }).isVisible(), true)
})

test('a second person is invited and comes in by the link', async () => {
  const { page } = chen
  await page.goto('/access/accounts')
  await page.getByRole('button', { name: '新建账号' }).click()
  const form = page.getByRole('dialog')
  await form.getByLabel('姓名').fill('王海燕')
  await form.getByLabel('账号', { exact: true }).fill('wanghaiyan')
  await form.getByRole('button', { name: '添加角色' }).click()
  await pick(page, form.getByRole('group', { name: /1/ }).getByLabel('角色'), '运维工程师')
  await form.getByRole('button', { name: '创建并生成邀请链接' }).click()
  const link = await page.locator('.copy-text-value').textContent()
  await page.getByRole('button', { name: '我已保存链接' }).click()

  await wang.page.goto(link)
  await fillNewPassword(wang.page)
  await wang.page.getByRole('button', { name: '设置密码并登录' }).click()
  await homeShown(wang.page)
  await wang.page.getByText('王海燕').first().waitFor()
})

test('a TCP check is added, and a round finds it good', async () => {
  const { page } = chen
  await page.goto('/inspect/checks')
  await settled(page)
  await page.getByRole('button', { name: '添加检查项' }).click()
  const form = page.getByRole('dialog')
  await form.getByLabel('资产').click()
  await page.locator('.ant-select-item-option').first().click()
  await form.getByLabel('检查类型').fill('TCP')
  await page.locator('.ant-select-item-option', { hasText: 'TCP 端口' }).first().click()
  await form.getByLabel(/host/).fill('127.0.0.1')
  await form.getByLabel(/port/).fill(String(port))
  await form.getByRole('button', { name: '添加检查项' }).click()
  await page.waitForURL(/\/inspect\/checks\/[^/?]+/)
  checkUrl = new URL(page.url()).pathname
  await stateWord(page, '未检查')

  await runNow(page)
  await page.goto(checkUrl)
  await stateWord(page, '正常')
})

test('the port closes: red, and a finding is opened', async () => {
  const { page } = chen
  await stopListener()
  await runNow(page)
  await page.locator('tr', { hasText: `:${port}` }).locator('.state-critical').first().waitFor()
  await page.goto(checkUrl)
  await stateWord(page, '严重')
  await page.getByRole('link', { name: '查看未消除的隐患' }).click()
  await page.waitForURL(/\/inspect\/findings\//)
  findingUrl = new URL(page.url()).pathname
  await page.getByText(/FND-\d{4}-\d{4}/).first().waitFor()
})

test('the finding is assigned by keyboard to the second person', async () => {
  const { page } = chen
  await page.getByRole('button', { name: '指派' }).waitFor()
  await page.keyboard.press('a')
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('责任人').click()
  await page.locator('.ant-select-item-option', { hasText: '王海燕' }).click()
  await dialog.getByRole('button', { name: '指派' }).click()
  await page.locator('.timeline li', { hasText: '责任人：王海燕' }).waitFor()
})

test('the second person finds it on the home page, comments, and marks it repaired', async () => {
  const { page } = wang
  const card = page.locator('section.card', { hasText: '派给我的隐患' })
  await card.locator(`a[href="${findingUrl}"]`).click()
  await page.waitForURL(findingUrl)
  await page.getByLabel('补充说明').fill('端口监听进程已退出，正在重新启动。')
  await page.getByRole('button', { name: '补充说明' }).click()
  await page.locator('.timeline li', { hasText: '正在重新启动' }).waitFor()

  listener = await startListener()
  await page.getByRole('button', { name: '登记修复' }).click()
  await page.getByLabel('处理说明').fill('已重新启动监听进程。')
  await page.getByRole('dialog').getByRole('button', { name: '登记修复' }).click()
  await page.locator('.state-tag', { hasText: '待复检' }).waitFor()
  // Both have looked at it.
  const seen = page.locator('section', { hasText: '已查看' })
  await seen.getByText('陈立').first().waitFor()
  await seen.getByText('王海燕').first().waitFor()
})

test('a good round closes the finding by itself, live on the other screen', async () => {
  await runNow(chen.page)
  await wang.page.locator('.state-tag', { hasText: '已消除' }).waitFor()
  await wang.page.locator('.timeline li', { hasText: '自动消除' }).waitFor()
  await chen.page.goto(checkUrl)
  await stateWord(chen.page, '正常')
})

test('the journal is verified and intact', async () => {
  const { page } = chen
  await page.goto('/journal/verifications')
  await settled(page)
  await page.getByRole('button', { name: '开始校验' }).click()
  await stateWord(page, '完好')
})

test('no page said anything in its console', () => {
  assert.deepEqual([...chen.problems, ...wang.problems], [])
})
