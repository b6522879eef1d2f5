import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, before } from 'node:test'
import { setUp } from './lib/acts.mjs'
import { addTcpCheck, call, runRound } from './lib/api.mjs'
import { launch, person } from './lib/browser.mjs'
import { listen, startServer } from './lib/server.mjs'
import { shot, steps } from './lib/steps.mjs'

/** An engineer asks what the history of a check suggests, sets ranges with a reason and sees who did. */

let server
let browser
let chen
let check
const port = createServer((socket) => socket.end())

before(async () => {
  server = await startServer()
  browser = await launch()
  chen = await person(browser, { url: server.url })
  await setUp(chen.page, server.setupLink)
  check = await addTcpCheck(chen.page, await listen(port))
  await runRound(chen.page)
})

after(async () => {
  await browser?.close()
  await server?.stop()
  await new Promise((done) => port.close(done))
})

const test = steps(() => ({ chen }))

test('says that a day is too little to propose from', async () => {
  const { page } = chen
  await page.goto(`/inspect/checks/${check.id}`)
  await page.getByText('没有人改过这项检查的阈值。').waitFor()
  await page.getByRole('button', { name: '按历史建议阈值' }).click()
  const drawer = page.getByRole('dialog')
  await drawer.getByText('历史不足（需 200 个值、7 天）').waitFor()
  await shot(chen.page, 'proposal-too-little')
  assert.equal(await drawer.getByRole('button', { name: '采用所选' }).isDisabled(), true)
  await drawer.getByRole('button', { name: '取消' }).click()
})

test('sets a range with a reason, which stands on the page of the check from then on', async () => {
  const { page } = chen
  await page.getByRole('button', { name: '编辑' }).click()
  const drawer = page.getByRole('dialog')
  await drawer.getByLabel('警告阈值').fill('0.5')
  await drawer.getByLabel('原因').fill('内网端口应在半秒内应答')
  await drawer.getByRole('button', { name: '保存' }).click()
  const change = page.locator('.threshold-changes li').first()
  await change.waitFor()
  const text = await change.innerText()
  for (const word of ['警告阈值', '> 1 秒', '> 500 毫秒', '内网端口应在半秒内应答', '陈立']) {
    assert.ok(text.includes(word), `“${word}” is missing in: ${text}`)
  }
  await shot(chen.page, 'threshold-changed')
  const changes = await call(page, 'GET', `/inspect/checks/${check.id}/threshold-changes`)
  assert.equal(changes.items.length, 1)
})
