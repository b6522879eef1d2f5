import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, before, test } from 'node:test'
import { homeShown, setUp, settled } from './lib/acts.mjs'
import { addTcpCheck, call, runRound, until } from './lib/api.mjs'
import { keepScreens, launch, person } from './lib/browser.mjs'
import { listen, startServer } from './lib/server.mjs'

/** The morning check, by keyboard alone: read, noted, signed, on the clipboard; its steps and seconds are told. */

let server
let browser
let chen

before(async () => {
  server = await startServer()
  browser = await launch()
  chen = await person(browser, { url: server.url, permissions: ['clipboard-read', 'clipboard-write'] })
  const { page } = chen
  await setUp(page, server.setupLink)
  // Something is red, and somebody has it.
  const stopped = createServer((socket) => socket.end())
  const port = await listen(stopped)
  const check = await addTcpCheck(page, port)
  await new Promise((done) => stopped.close(done))
  await runRound(page)
  const finding = (await call(page, 'GET', '/inspect/findings')).items.find((f) => f.check_id === check.id)
  const me = await call(page, 'GET', '/me')
  await call(page, 'POST', `/inspect/findings/${finding.id}/assign`, {
    account_id: me.account.id,
    version: finding.version,
  })
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

test('the daily check is read, noted, signed and copied by keyboard in under two minutes', async () => {
  const { page } = chen
  let steps = 0
  const press = async (key) => {
    steps++
    await page.keyboard.press(key)
  }
  try {
    await page.goto('/')
    await homeShown(page)
    await settled(page)
    const began = Date.now()
    await press('g')
    await press('d')
    await page.getByRole('heading', { name: /^早检/, level: 1 }).waitFor()
    await page.getByRole('region', { name: '异常、未知与漏检' }).waitFor()
    // The note of the gravest line begins with what the records say.
    await press('j')
    const first = page.locator('.daily-item input').first()
    assert.equal(await first.evaluate((field) => field === document.activeElement), true)
    assert.match(await first.inputValue(), /^已派陈立，期限/)
    await press('End')
    steps++
    await page.keyboard.type('，正在重启服务')
    await press('Enter')
    await press('Control+Enter')
    await page.locator('.state-tag', { hasText: '已签发' }).first().waitFor()
    const seconds = (Date.now() - began) / 1000
    const pasted = await page.evaluate(() => navigator.clipboard.readText())
    assert.match(pasted, /^【早检】\d+月\d+日 周/)
    assert.match(pasted, /严重[1-9]\d*项/)
    assert.match(pasted, /已派陈立，期限.*，正在重启服务/)
    assert.match(pasted, /签发：陈立 \d\d:\d\d/)
    assert.ok(seconds < 120, `${seconds} s`)
    console.log(`    daily check: ${steps} steps, ${seconds.toFixed(1)} s, ${pasted.length} characters`)
  } catch (error) {
    await keepScreens('daily', { chen })
    throw error
  }
})

test('what was signed is kept and cannot be signed again', async () => {
  const { page } = chen
  const today = await call(page, 'GET', '/inspect/daily/today')
  assert.equal(today.state, 'signed')
  const rows = await until(page, '/journal/rows?type=inspect.daily.signed', (list) => list.items.length === 1)
  assert.equal(rows.items[0].fields.sha256, today.sha256)
  await assert.rejects(
    call(page, 'POST', `/inspect/daily/days/${today.day}/sign`, { fingerprint: 'x' }),
    /409|stale|not_possible/,
  )
  await page.goto(`/inspect/daily?day=${today.day}`)
  await page.locator('.daily-text', { hasText: '签发：陈立' }).waitFor()
  assert.equal(await page.getByRole('button', { name: '签发', exact: true }).count(), 0)
  assert.deepEqual(chen.problems, [])
})
