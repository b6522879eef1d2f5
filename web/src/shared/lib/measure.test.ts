import { describe, expect, it } from 'vitest'
import {
  alerts,
  bounds,
  gravityOf,
  metricOf,
  parseRange,
  rangeWords,
  showValue,
  stateOf,
  thingOf,
  wellWords,
} from './measure'

describe('ranges of the plug-in convention', () => {
  it.each([
    ['80', 80, false],
    ['80', 80.1, true],
    ['80', -1, true],
    ['10:', 9.9, true],
    ['10:', 10, false],
    ['~:5', -100, false],
    ['~:5', 6, true],
    ['1:5', 0, true],
    ['1:5', 3, false],
    ['@1:5', 3, true],
    ['@1:5', 6, false],
  ])('%s with %d alerts: %s', (text, value, expected) => {
    expect(alerts(parseRange(text), value)).toBe(expected)
  })

  it.each(['', 'abc', '@', '5:1', '1e', '0x10', ':::'])('refuses %j', (text) => {
    expect(parseRange(text)).toBeNull()
  })

  it('says them in signs', () => {
    const show = (n: number) => showValue(n, '%')
    expect(rangeWords('80', show)).toBe('> 80%')
    expect(rangeWords('10:', show)).toBe('< 10%')
    expect(rangeWords('1:5', show)).toBe('< 1%, > 5%')
    expect(rangeWords('@1:5', show)).toBe('1%–5%')
    expect(rangeWords('', show)).toBe('')
  })

  it('says which values are well', () => {
    const show = (n: number) => `${n}%`
    expect(wellWords('80', show)).toBe('≤ 80%')
    expect(wellWords('0', show)).toBe('≤ 0%')
    expect(wellWords('~:5', show)).toBe('≤ 5%')
    expect(wellWords('10:', show)).toBe('≥ 10%')
    expect(wellWords('1:5', show)).toBe('1%–5%')
    expect(wellWords('@1:5', show)).toBe('')
    expect(wellWords('~:', show)).toBe('')
    expect(wellWords(undefined, show)).toBe('')
  })

  it('draws lines only where somebody set a bound', () => {
    expect(bounds('80')).toEqual([80])
    expect(bounds('10:')).toEqual([10])
    expect(bounds('1:5')).toEqual([1, 5])
    expect(bounds('')).toEqual([])
  })

  it('judges a value by the graver range first', () => {
    expect(stateOf({ value: 95, warn: '80', crit: '90' })).toBe('CRITICAL')
    expect(stateOf({ value: 85, warn: '80', crit: '90' })).toBe('WARNING')
    expect(stateOf({ value: 5, warn: '', crit: '' })).toBe('OK')
  })
})

it('orders states by what needs a person first', () => {
  const states = [
    gravityOf('CRITICAL'),
    gravityOf('UNKNOWN'),
    gravityOf('WARNING'),
    gravityOf('OK'),
    gravityOf('UNKNOWN', 'no_source'),
    gravityOf(null),
  ]
  expect([...states].sort((a, b) => a - b)).toEqual(states)
})

it('writes values with their units', () => {
  expect(showValue(1536, 'B')).toBe('1.5 KiB')
  expect(showValue(0.0123, 's')).toBe('12.3 毫秒')
  expect(showValue(0.0123, 's', true)).toBe('12.3 ms')
  expect(showValue(7200, 's')).toBe('2 小时')
  expect(showValue(99.95, '%')).toBe('100.0%')
  expect(showValue(12_345, '')).toBe('12,345')
  expect(showValue(null, '%')).toBe('—')
})

it('reads a label as metric and thing', () => {
  expect([metricOf('used_percent /var'), thingOf('used_percent /var')]).toEqual(['used_percent', '/var'])
  expect([metricOf('load1'), thingOf('load1')]).toEqual(['load1', ''])
})
