import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setUp, settled } from './lib/acts.mjs'
import { addTcpCheck, call, runRound, until } from './lib/api.mjs'
import { launch, person, setPrefs } from './lib/browser.mjs'
import { freePort, listen, startServer } from './lib/server.mjs'

/** Takes the pictures of the documentation from a real installation; `npm run shots` writes them again. */

const out = join(import.meta.dirname, '../../docs/images')
await mkdir(out, { recursive: true })

const server = await startServer()
const browser = await launch()
const closers = []
try {
  const { page } = await person(browser, { url: server.url })
  await setUp(page, server.setupLink)
  await until(page, '/inspect/rounds?state=finished&limit=1', (list) => list.items.length > 0)

  const found = (await call(page, 'GET', '/inspect/checks?limit=200')).items
  const passing = found.filter((check) => check.target.startsWith(tmpdir()))
  if (passing.length > 0) {
    throw new Error(`a test is running on this machine and would be in the pictures: ${passing.map((c) => c.target)}`)
  }
  const host = (await call(page, 'GET', '/fleet/assets')).items[0]
  await call(page, 'PATCH', `/fleet/assets/${host.id}`, { name: '运维平台服务器', version: host.version })

  // A port that answers, one that stopped, one that never answered.
  const good = createServer((socket) => socket.end())
  const stopped = createServer((socket) => socket.end())
  const goodPort = await listen(good)
  const stoppedPort = await listen(stopped)
  closers.push(() => new Promise((done) => good.close(done)))
  await addTcpCheck(page, goodPort)
  const check = await addTcpCheck(page, stoppedPort)
  await addTcpCheck(page, await freePort())
  await runRound(page)
  await new Promise((done) => stopped.close(done))
  await runRound(page)
  const round = await runRound(page)

  const finding = (await call(page, 'GET', '/inspect/findings')).items.find((f) => f.check_id === check.id)
  const me = await call(page, 'GET', '/me')
  await call(page, 'POST', `/inspect/findings/${finding.id}/assign`, {
    account_id: me.account.id,
    note: '请先确认监听进程是否退出。',
    version: finding.version,
  })
  await call(page, 'POST', `/inspect/findings/${finding.id}/comment`, { text: '进程已退出，正在查看退出原因。' })
  await call(page, 'POST', '/journal/verify')
  await until(page, '/journal/verifications', (list) => list.items.some((v) => v.state === 'ok'))

  const shots = [
    ['home', '/'],
    ['checks', '/inspect/checks'],
    ['round', `/inspect/rounds/${round.id}`],
    ['finding', `/inspect/findings/${finding.id}`],
    ['journal', '/journal'],
    ['verification', '/journal/verifications'],
  ]
  const take = async (name, path, prefs) => {
    await setPrefs(page, prefs)
    await page.goto(path)
    await settled(page)
    await page.locator('.live-live').waitFor()
    await page.screenshot({ path: join(out, `${name}.png`) })
    console.log(`docs/images/${name}.png`)
  }
  for (const [name, path] of shots) await take(name, path, { theme: 'light', language: 'zh-CN' })
  await take('home-dark-en', '/', { theme: 'dark', language: 'en' })
} finally {
  await browser.close()
  await server.stop()
  for (const close of closers) await close()
}
