import assert from 'node:assert/strict'
import { loadavg } from 'node:os'
import { after, before, test } from 'node:test'
import { setUp } from './lib/acts.mjs'
import { until } from './lib/api.mjs'
import { launch, person } from './lib/browser.mjs'
import { startServer } from './lib/server.mjs'

/** How long the home page takes from nothing to usable, for somebody who is signed in and has an empty cache. */

const runs = 5
let server
let browser

before(async () => {
  server = await startServer()
  browser = await launch()
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]

test('cold load of the home page', async () => {
  const first = await person(browser, { url: server.url })
  await setUp(first.page, server.setupLink)
  await until(first.page, '/inspect/rounds?state=finished&limit=1', (list) => list.items.length > 0)
  const storageState = await first.context.storageState()
  await first.context.close()

  const seen = []
  for (let i = 0; i < runs; i++) {
    const { context, page } = await person(browser, { url: server.url, storageState })
    await page.goto('/')
    await page.waitForFunction(() => performance.getEntriesByName('taxops:home-ready').length > 0)
    seen.push(
      await page.evaluate(() => {
        const [navigation] = performance.getEntriesByType('navigation')
        const files = performance.getEntriesByType('resource')
        return {
          ready: performance.getEntriesByName('taxops:home-ready')[0].startTime,
          answer: navigation.responseEnd,
          kib: files.reduce((sum, file) => sum + file.transferSize, navigation.transferSize) / 1024,
          files: files.length,
        }
      }),
    )
    await context.close()
  }
  const ready = median(seen.map((one) => one.ready))
  console.log(
    `    home page usable after ${Math.round(ready)} ms (median of ${runs} cold loads, ` +
      `${Math.round(median(seen.map((one) => one.answer)))} ms to the first answer, ` +
      `${Math.round(median(seen.map((one) => one.kib)))} KiB in ${median(seen.map((one) => one.files))} files, ` +
      `load ${loadavg()[0].toFixed(1)})`,
  )
  assert.ok(ready > 0)
})
