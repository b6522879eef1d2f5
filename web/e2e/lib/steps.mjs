import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { settled } from './acts.mjs'
import { keepScreens } from './browser.mjs'

/**
 * Makes the function that declares the steps of a journey. Each step stands on those before it: after a failure the
 * rest fails at once and names the cause. people() are those whose screens are kept, by name.
 */
export function steps(people) {
  let brokenAt = ''
  return (name, step) =>
    test(name, async () => {
      if (brokenAt) throw new Error(`not reached: “${brokenAt}” failed`)
      try {
        await step()
      } catch (error) {
        brokenAt = name
        await keepScreens(name, people())
        throw error
      }
    })
}

/** Keeps a picture of a page where SHOTS names a folder. */
export async function shot(page, name) {
  if (!process.env.SHOTS) return
  await mkdir(process.env.SHOTS, { recursive: true })
  await settled(page)
  await page.screenshot({ path: join(process.env.SHOTS, `${name}.png`) })
}
