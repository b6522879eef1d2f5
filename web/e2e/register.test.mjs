import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { addTcpCheck, call, runRound } from './lib/api.mjs'
import { fillNewPassword, homeShown, setUp, settled } from './lib/acts.mjs'
import { launch, person } from './lib/browser.mjs'
import { freePort, startServer } from './lib/server.mjs'
import { steps } from './lib/steps.mjs'

/** An engineer brings the list of assets, and has a second person decide that a check is not applicable. */

let server
let browser
let chen
let li
let dir
let checkId
let requestUrl

before(async () => {
  server = await startServer()
  browser = await launch()
  chen = await person(browser, { url: server.url })
  li = await person(browser, { url: server.url })
  dir = await mkdtemp(join(tmpdir(), 'taxops-list-'))
})

after(async () => {
  await browser?.close()
  await server?.stop()
  if (dir) await rm(dir, { recursive: true, force: true })
})

const test = steps(() => ({ chen, li }))

const shot = async (page, name) => {
  if (process.env.SHOTS) await page.screenshot({ path: join(process.env.SHOTS, `${name}.png`) })
}

const list = `资产台账（2026 年）,,,,,,,
序号,主机名,IP地址,操作系统,责任人,联系电话,所属系统,所在单位,环境,所在主机,名称
1,qz-app01,10.45.1.11,Kylin V10,张三,0771-5581234,电子签章,南宁市局,生产,,
2,qz-db01,10.45.1.12,openEuler 22.03,李四,13800000000,电子签章,区局,生产,,
3,,,,,,电子签章,区局,生产,qz-db01,Oracle 签章库
4,qz-app02,10.45.1.299,Kylin V10,张三,,电子签章,南宁市局,火星,,
`

test('a list in CSV is uploaded, and its columns are understood', async () => {
  const { page } = chen
  await setUp(page, server.setupLink)
  await page.goto('/fleet/assets')
  await settled(page)
  await page.getByRole('button', { name: '导入台账' }).click()
  await page.waitForURL(/\/intake\/runs/)
  const file = join(dir, '台账.csv')
  await writeFile(file, list)
  const form = page.getByRole('dialog')
  await form.getByLabel('文件').setInputFiles(file)
  await form.getByRole('button', { name: '读取文件' }).click()
  await page.waitForURL(/\/intake\/runs\/[^/?]+/)
  await page.getByText('表头在第 2 行').waitFor()
  const host = page.locator('tr', { hasText: 'qz-app01' })
  await host.getByText('主机名').nth(1).waitFor()
  await shot(page, 'mapping')
})

test('the preview names the cells at fault, and the rest is imported at once', async () => {
  const { page } = chen
  await page.getByRole('button', { name: '预览变化' }).click()
  const bad = page.locator('tr', { hasText: '10.45.1.299' })
  await bad.getByText('C6').waitFor()
  await bad.getByText('不是有效的 IP 地址或主机名').waitFor()
  await bad.getByText('无法识别的用词').waitFor()
  await shot(page, 'preview')
  const apply = page.getByRole('button', { name: '导入 3 项' })
  assert.equal(await apply.isDisabled(), true)
  await page.getByLabel('跳过冲突行').check()
  await apply.click()
  await page.locator('.state-tag', { hasText: '已导入' }).waitFor()
  await page.getByRole('link', { name: 'Oracle 签章库' }).waitFor()
  await shot(page, 'applied')
})

test('the assets are in the register with owner, tree and history', async () => {
  const { page } = chen
  await page.goto('/fleet/assets')
  await settled(page)
  const tree = page.getByRole('navigation', { name: '按机构与系统' })
  await tree.getByRole('button', { name: /南宁市税务局/ }).click()
  await page.locator('tbody tr', { hasText: 'qz-app01' }).getByText('张三').waitFor()
  await shot(page, 'register')
  await page.getByRole('link', { name: 'qz-app01' }).click()
  const history = page.getByRole('region', { name: '变更历史' })
  await history.getByText(/来自导入 IMP-\d{4}-\d{4}/).waitFor()
  await shot(page, 'asset')
})

test('a dependency is noted and drawn', async () => {
  const { page } = chen
  await page.getByRole('button', { name: '依赖关系' }).click()
  await page.waitForURL(/\/fleet\/map/)
  await page.getByRole('button', { name: '添加依赖' }).click()
  const form = page.getByRole('dialog')
  await form.getByLabel('对方').fill('Oracle')
  await page.locator('.ant-select-item-option', { hasText: 'Oracle 签章库' }).click()
  await form.getByRole('button', { name: '添加依赖' }).click()
  const table = page.getByRole('region', { name: '关系列表' }).first()
  await table.locator('tr', { hasText: '部署于' }).waitFor()
  await table.locator('tr', { hasText: 'Oracle 签章库' }).first().waitFor()
  await page.locator('.react-flow__node', { hasText: 'qz-db01' }).waitFor()
  await shot(page, 'map')
})

test('one person proposes that a check is not applicable', async () => {
  const { page } = chen
  const port = await freePort()
  checkId = (await addTcpCheck(page, port)).id
  await runRound(page)
  await page.goto(`/inspect/checks/${checkId}`)
  const panel = page.getByRole('region', { name: '适用性' })
  await panel.getByRole('button', { name: '提请认定不适用' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('理由').fill('由云平台方负责')
  await dialog.getByRole('button', { name: '提请认定不适用' }).click()
  await panel.getByText('待审批').waitFor()
  await page.locator('.state-tag', { hasText: '不适用待审批' }).waitFor()
  requestUrl = await panel.getByRole('link', { name: '查看审批事项' }).getAttribute('href')
})

test('another person finds it on the home page and approves it by a document', async () => {
  const made = await call(chen.page, 'POST', '/access/accounts', {
    login: 'lijingli',
    display_name: '李经理',
    grants: [{ role: 'project_manager', area_path: '/45/', system_id: '' }],
  })
  const { page } = li
  await page.goto(made.invitation_url)
  await fillNewPassword(page)
  await page.getByRole('button', { name: '设置密码并登录' }).click()
  await homeShown(page)
  const card = page.locator('section.card', { hasText: '待我审批' })
  await card.locator(`a[href="${requestUrl}"]`).click()
  await page.waitForURL(requestUrl)
  await page.getByText('由云平台方负责').waitFor()
  await page.getByLabel('公文（OA）').check()
  await page.getByLabel('文号').fill('桂税函〔2026〕1号')
  await page.getByLabel('批准人').fill('李处长')
  await page.getByLabel('批准日期').fill('2026-01-05')
  await shot(page, 'decide')
  await page.getByRole('button', { name: '批准', exact: true }).click()
  await page.locator('.state-tag', { hasText: '已批准' }).waitFor()
  await page.getByText('桂税函〔2026〕1号').waitFor()
})

test('the check is in no round any more, and its finding is closed', async () => {
  const { page } = chen
  await page.goto(`/inspect/checks/${checkId}`)
  await page.locator('.page-header .state-tag', { hasText: '不适用' }).waitFor()
  const round = await runRound(page)
  assert.equal(round.items.some((item) => item.check_id === checkId), false)
  const findings = await call(page, 'GET', `/inspect/findings?state=open,assigned,repaired`)
  assert.equal(findings.items.some((f) => f.check_id === checkId), false)
})

test('the import is undone', async () => {
  const { page } = chen
  await page.goto('/intake/runs')
  await settled(page)
  await page.locator('tbody').getByRole('link', { name: /IMP-/ }).first().click()
  await page.getByRole('button', { name: '撤销导入' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('原因').fill('试导入，撤销')
  await dialog.getByRole('button', { name: '撤销导入' }).click()
  await page.locator('.state-tag', { hasText: '已撤销' }).waitFor()
  await page.locator('tr', { hasText: 'qz-app01' }).getByText('已恢复').waitFor()
})

test('no page said anything in its console', () => {
  assert.deepEqual([...chen.problems, ...li.problems], [])
})
