import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before } from 'node:test'
import { fillNewPassword, homeShown, password, setUp, signIn } from './lib/acts.mjs'
import { call } from './lib/api.mjs'
import { launch, person } from './lib/browser.mjs'
import { startServer } from './lib/server.mjs'
import { steps } from './lib/steps.mjs'

/** 三员分立: whoever makes an account sees its link, which in production makes nobody an auditor. */

let server
let browser
let chen
const people = {}

const test = steps(() => ({ chen, ...people }))

before(async () => {
  server = await startServer()
  browser = await launch()
  chen = await person(browser, { url: server.url })
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

/** The one-time code of now for a secret in base 32 (RFC 6238). */
function oneTimeCode(secret) {
  let bits = ''
  for (const letter of secret) bits += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))
  const step = Buffer.alloc(8)
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)))
  const hash = createHmac('sha1', key).update(step).digest()
  return String((hash.readUInt32BE(hash[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

const everywhere = (role) => ({ role, area_path: '/45/', system_id: '' })

async function accept(link, who) {
  await who.page.goto(link)
  await fillNewPassword(who.page)
  await who.page.getByRole('button', { name: '设置密码并登录' }).click()
}

test('four people and a declaration bring the installation into production', async () => {
  await setUp(chen.page, server.setupLink)
  for (const role of ['system_admin', 'security_admin', 'auditor', 'engineer']) {
    const made = await call(chen.page, 'POST', '/access/accounts', {
      login: role.replace('_', '-'),
      display_name: role,
      grants: [everywhere(role)],
    })
    const who = (people[role] = await person(browser, { url: server.url }))
    await accept(made.invitation_url, who)
    await homeShown(who.page)
    if (role === 'engineer') continue
    const { secret } = await call(who.page, 'POST', '/me/totp/begin')
    await call(who.page, 'POST', '/me/totp/confirm', { code: oneTimeCode(secret) })
  }
  const { account } = await call(chen.page, 'GET', '/me')
  const { version } = await call(chen.page, 'GET', `/access/accounts/${account.id}`)
  await call(chen.page, 'PATCH', `/access/accounts/${account.id}`, { grants: [everywhere('read_only')], version })
  await call(people.security_admin.page, 'POST', '/access/production/declare', { reason: '试用结束' })
})

test('who accepts the link of an auditor is told to be confirmed by somebody else, and is kept out', async () => {
  const made = await call(people.system_admin.page, 'POST', '/access/accounts', {
    login: 'zhaomin',
    display_name: '赵敏',
  })
  await call(people.security_admin.page, 'PATCH', `/access/accounts/${made.account.id}`, {
    grants: [everywhere('auditor')],
    version: made.account.version,
  })
  const zhao = (people.zhao = await person(browser, { url: server.url }))
  await accept(made.invitation_url, zhao)
  await zhao.page.getByText(/密码已设置/).waitFor()
  await zhao.page.getByRole('link', { name: '前往登录' }).click()
  await zhao.page.getByLabel('账号', { exact: true }).fill('zhaomin')
  await zhao.page.getByLabel('密码', { exact: true }).fill(password)
  await zhao.page.getByRole('button', { name: '登录' }).click()
  await zhao.page.getByText(/须先由安全管理员核实本人/).waitFor()
})

test('the security administrator confirms the person, who then gets in', async () => {
  const { page } = people.security_admin
  await page.goto('/access/accounts?state=invited')
  await page.getByRole('link', { name: '赵敏' }).click()
  const drawer = page.getByRole('dialog')
  await drawer.getByText('待核实本人').waitFor()
  await drawer.getByRole('button', { name: '更多操作' }).click()
  await page.getByRole('menuitem', { name: '核实本人' }).click()
  await page.getByLabel('原因').fill('当面核对工牌')
  await page.getByRole('button', { name: '已核实本人' }).click()
  await drawer.getByText('已核实', { exact: true }).waitFor()
  await signIn(people.zhao.page, { login: 'zhaomin' })
})

test('no page said anything in its console', () => {
  for (const who of [chen, ...Object.values(people)]) assert.deepEqual(who.problems, [])
})
