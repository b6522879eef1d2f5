import { accessSync, constants, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { executablePath } from './lib/browser.mjs'

/**
 * Runs the journeys one after the other, each with its own server and browser, and prints node:test's report.
 * The last line counts them in the form that `make test` adds up. Names given as arguments narrow to those files.
 */

try {
  accessSync(executablePath, constants.X_OK)
} catch {
  console.error(`no browser at ${executablePath}: install one with make deps, or name yours in CHROMIUM`)
  process.exit(1)
}

const wanted = process.argv.slice(2)
const files = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.test.mjs') && (wanted.length === 0 || wanted.some((part) => name.includes(part))))
  .map((name) => join(import.meta.dirname, name))

let passed = 0
let failed = 0
const stream = run({ files, concurrency: 1, timeout: 1_200_000 })
// A file is reported as a test of its own around its tests: only what stands inside is counted, and a file
// that broke before its first test.
stream.on('test:pass', (event) => {
  if (event.details.type !== 'suite' && !files.includes(event.name)) passed++
})
stream.on('test:fail', (event) => {
  if (event.details.type !== 'suite') failed++
})
stream.compose(spec).pipe(process.stdout)
stream.once('end', () => {
  setImmediate(() => {
    console.log(`${passed} passed, ${failed} failed`)
    process.exitCode = failed > 0 || passed === 0 ? 1 : 0
  })
})
