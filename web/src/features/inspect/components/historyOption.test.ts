import { expect, it } from 'vitest'
import { brokenAtGaps, lineOf, niceMax } from './historyOption'

it('breaks the line where results are missing', () => {
  const points: [number, number][] = [0, 60, 120, 180, 900, 960].map((s) => [s * 1000, 1])
  const drawn = brokenAtGaps(points)
  expect(drawn).toHaveLength(7)
  expect(drawn[4]).toEqual([240_000, null])
})

it('leaves a line without gaps alone', () => {
  const points: [number, number][] = [0, 60, 120, 180].map((s) => [s * 1000, s])
  expect(brokenAtGaps(points)).toEqual(points)
})

it('ends the axis on a round number above everything', () => {
  expect(niceMax(86, '%')).toBe(100)
  expect(niceMax(3.1, 's')).toBe(4)
  expect(niceMax(95, 's')).toBe(100)
  expect(niceMax(1_040, 'B')).toBe(1_500)
})

it('draws the average where points were left out', () => {
  const one = { label: 'time', uom: 's', warn: '', crit: '', points: [[0, 1] as [number, number]] }
  expect(lineOf(one)).toEqual([[0, 1]])
  expect(lineOf({ ...one, band: [[30_000, 1, 2, 9]] })).toEqual([[30_000, 2]])
})
