import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { pick, setUp } from './lib/acts.mjs'
import { call, until } from './lib/api.mjs'
import { launch, person, setPrefs } from './lib/browser.mjs'
import { startServer } from './lib/server.mjs'
import { shot, steps } from './lib/steps.mjs'

/** An engineer brings Zabbix and the old scripts along, and runs beside Zabbix for a while. */

let server
let browser
let chen
let folder
let token

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taxops-bring-'))
  server = await startServer()
  browser = await launch()
  chen = await person(browser, { url: server.url })
  await setUp(chen.page, server.setupLink)
  await until(chen.page, '/inspect/rounds?state=finished&limit=1', (list) => list.items.length > 0)
})

after(async () => {
  await browser?.close()
  await server?.stop()
  if (folder) await rm(folder, { recursive: true, force: true })
})

const test = steps(() => ({ chen }))

const zabbix = `zabbix_export:
  version: '6.0'
  hosts:
    - host: sb-app01
      name: 签章应用 01
      groups: [{name: 南宁/电子签章}]
      interfaces: [{ip: 10.45.1.11, interface_ref: if1}]
      inventory: {os: Kylin V10, location: A-03}
      items:
        - key: agent.ping
          triggers:
            - {name: 根分区将满, expression: 'last(/sb-app01/vfs.fs.size[/,pused])>80', priority: HIGH}
            - {name: 内存不足, expression: 'avg(/sb-app01/vm.memory.size[pavailable],5m)<10', priority: WARNING}
            - {name: 主机重启, expression: 'change(/sb-app01/system.uptime)<0', priority: INFO}
    - host: sb-sw01
      name: 签章交换机
      groups: [{name: 网络}]
      interfaces: [{type: SNMP, ip: 10.45.1.2, interface_ref: if1}]
`

test('brings Zabbix along: what is alike, what is not and why, applied and seen as not reached', async () => {
  const { page } = chen
  const file = join(folder, 'zabbix.yaml')
  await writeFile(file, zabbix)
  await page.goto('/intake/runs')
  await page.getByRole('button', { name: '导入 Zabbix' }).click()
  await page.locator('#bring-file').setInputFiles(file)
  await pick(page, page.getByLabel('默认所属系统'), '电子签章')
  await shot(chen.page, 'bring-1-form')
  await page.getByRole('button', { name: '读取文件' }).click()
  await page.getByText('没有对应').first().waitFor()
  await page.getByText('原触发器按一段时间的平均或极值判断').waitFor()
  await page.getByText('判断变化而不是数值').waitFor()
  await shot(chen.page, 'bring-2-zabbix')
  await page.getByRole('button', { name: '导入 2 项资产、2 个检查项' }).click()
  await page.getByText('尚未接入：检查项先停用').first().waitFor()
  await shot(chen.page, 'bring-3-zabbix-applied')
  const checks = (await call(page, 'GET', '/inspect/checks?limit=200')).items.filter((c) => c.origin === 'imported')
  assert.equal(checks.length, 2)
  assert.ok(checks.every((c) => !c.enabled && !c.state), 'a check of a host that nothing reaches is green')
})

test('brings a folder of old scripts along: drafts with proposed rules and a plan that is off', async () => {
  const { page } = chen
  const at = join(folder, '巡检脚本')
  await mkdir(at)
  await writeFile(join(at, 'check_ftp.sh'), '#!/bin/sh\nif true; then echo "FTP 正常"; else echo "FTP 异常"; fi\n')
  await writeFile(join(at, 'df.sh'), '#!/bin/sh\ndf -h\n')
  await writeFile(join(at, 'crontab.txt'), '*/10 * * * * /home/tax/check_ftp.sh >> /tmp/ftp.log\n')
  const archive = join(folder, 'scripts.tar.gz')
  execFileSync('tar', ['czf', archive, '-C', folder, '巡检脚本'])
  await page.goto('/intake/runs')
  await page.getByRole('button', { name: '导入旧脚本' }).click()
  await page.locator('#bring-file').setInputFiles(archive)
  await pick(page, page.getByLabel('默认所属系统'), '电子签章')
  await page.getByRole('button', { name: '读取文件' }).click()
  await page.getByText('从脚本中看不出怎样算正常').first().waitFor()
  await shot(chen.page, 'bring-4-scripts')
  await page.getByRole('button', { name: '导入 3 项' }).click()
  await page.getByText('草稿：试运行并发布后才执行').first().waitFor()
  await shot(chen.page, 'bring-5-scripts-applied')
  await page.getByRole('link', { name: 'check_ftp' }).click()
  await page.getByRole('heading', { name: 'check_ftp' }).waitFor()
  await page.goBack()
  await page.getByRole('button', { name: '撤销导入' }).click()
  await page.getByLabel('原因').fill('先在测试环境试')
  await page.locator('.ant-modal').getByRole('button', { name: '撤销导入' }).click()
  await page.getByText('已撤销').first().waitFor()
  assert.equal((await call(page, 'GET', '/inspect/scripts')).items.length, 0)
})

/** The request object of Zabbix's scripts, which answers at once. */
function zabbixRequest() {
  return class {
    headers = []
    status = 0
    addHeader(h) {
      this.headers.push('-H', h)
    }
    post(url, body) {
      const out = execFileSync('curl', ['-s', '-w', '%{http_code}', ...this.headers, '--data-binary', body, url]).toString()
      this.status = Number(out.slice(-3))
      return out.slice(0, -3)
    }
    getStatus() {
      return this.status
    }
    AddHeader(h) {
      this.addHeader(h)
    }
    Post(url, body) {
      return this.post(url, body)
    }
    Status() {
      return this.status
    }
  }
}

test('runs beside Zabbix: a token shown once, a problem that only Zabbix saw, explained', async () => {
  const { page } = chen
  await page.goto('/parallel')
  await page.getByRole('button', { name: '并行来源' }).first().click()
  await page.getByRole('button', { name: '建立来源' }).click()
  await page.getByLabel('名称').fill('省局 Zabbix')
  await pick(page, page.getByLabel('默认所属系统'), '电子签章')
  await page.locator('.ant-drawer').last().locator('button.ant-btn-primary').last().click()
  token = await page.locator('code', { hasText: /^zbx-/ }).textContent()
  await shot(chen.page, 'bring-6-source')
  // As the documented script of the media type sends it, in both ways that Zabbix lets a script ask.
  const code = await readFile(join(import.meta.dirname, '../../docs/zabbix/media-type.js'), 'utf8')
  const began = new Date(Date.now() - 60_000 + 8 * 3_600_000).toISOString()
  for (const [event, host, address, trigger, severity, old] of [
    ['7001', 'sb-app01', '10.45.1.11', '根分区将满', '4', false],
    ['7002', 'nobody', '10.9.9.9', '不在台账的主机', '3', true],
  ]) {
    const request = zabbixRequest()
    const parameters = {
      url: `${server.url}/api/v1/intake/zabbix/events`,
      token,
      event_id: event,
      value: '1',
      host,
      host_name: host,
      address,
      trigger_id: '1',
      trigger,
      severity,
      date: began.slice(0, 10).replaceAll('-', '.'),
      time: began.slice(11, 19),
      recovery_date: '',
      recovery_time: '',
    }
    const run = new Function('value', 'HttpRequest', 'CurlHttpRequest', code)
    assert.equal(run(JSON.stringify(parameters), old ? undefined : request, old ? request : undefined), 'OK')
  }
  await page.goto('/parallel?side=zabbix_only')
  await page.getByText('根分区将满').waitFor()
  await page.getByText('资产没有启用的检查项').first().waitFor()
  await shot(chen.page, 'bring-7-differences')
  await page.getByRole('row', { name: /根分区将满/ }).getByRole('button', { name: '说明' }).click()
  await page.getByLabel('理由').fill('主机下周接入')
  await page.getByRole('button', { name: '保存' }).click()
  await page.getByText('主机下周接入').waitFor()
  await setPrefs(page, { theme: 'dark', language: 'en' })
  await page.goto('/parallel')
  await page.getByText('Zabbix only').first().waitFor()
  await shot(chen.page, 'bring-8-differences-dark-en')
  assert.deepEqual(chen.problems, [])
})
