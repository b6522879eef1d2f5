import { expect, it } from 'vitest'
import { nav, navEntryOf } from './features'

it('gives each entry of the menu a place and a key of its own', () => {
  const keys = nav.flatMap((entry) => (entry.key ? [entry.key] : []))
  expect(keys).toEqual([...new Set(keys)])
  const paths = nav.map((entry) => entry.to)
  expect(paths).toEqual([...new Set(paths)])
})

it('finds the entry that a page belongs to', () => {
  for (const entry of nav) expect(navEntryOf(entry.to)).toBe(entry)
})
