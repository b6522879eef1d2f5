import type { Perf } from '@/shared/api/inspect'
import type { CheckState } from '@/shared/api/types'

/** The label up to its first blank: "used_percent /var" measures used_percent of /var. */
export function metricOf(label: string): string {
  const at = label.indexOf(' ')
  return at < 0 ? label : label.slice(0, at)
}

/** The thing behind the blank: "/var"; empty when the label names only a metric. */
export function thingOf(label: string): string {
  const at = label.indexOf(' ')
  return at < 0 ? '' : label.slice(at + 1)
}

export interface Range {
  start: number
  end: number
  inside: boolean
}

const decimal = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/

/** Reads a range of the plug-in convention, [@]start:end; null when it is none. */
export function parseRange(text: string | undefined): Range | null {
  if (!text) return null
  const inside = text.startsWith('@')
  const body = inside ? text.slice(1) : text
  if (body === '') return null
  const colon = body.indexOf(':')
  const left = colon < 0 ? '' : body.slice(0, colon)
  const right = colon < 0 ? body : body.slice(colon + 1)
  if (left !== '' && left !== '~' && !decimal.test(left)) return null
  if (right !== '' && !decimal.test(right)) return null
  const start = left === '~' ? -Infinity : left === '' ? 0 : Number(left)
  const end = right === '' ? Infinity : Number(right)
  return start > end ? null : { start, end, inside }
}

export function alerts(range: Range | null, value: number): boolean {
  if (!range || Number.isNaN(value)) return false
  return (value >= range.start && value <= range.end) === range.inside
}

/** The state of one value by its own ranges. */
export function stateOf(perf: Pick<Perf, 'value' | 'warn' | 'crit'>): CheckState {
  if (alerts(parseRange(perf.crit), perf.value)) return 'CRITICAL'
  if (alerts(parseRange(perf.warn), perf.value)) return 'WARNING'
  return 'OK'
}

/** The finite ends of a range, where a chart draws its lines. */
export function bounds(text: string | undefined): number[] {
  const range = parseRange(text)
  if (!range) return []
  const ends = [range.start, range.end].filter((n) => Number.isFinite(n))
  // "80" means above 80: its implied start of 0 is no threshold that anybody set.
  return ends.filter((n) => !(n === 0 && range.start === 0 && !range.inside && Number.isFinite(range.end)))
}

/** Which values alert, in signs that need no translation: ">80%", "<10%", "1–5". */
export function rangeWords(text: string | undefined, show: (n: number) => string): string {
  const range = parseRange(text)
  if (!range) return ''
  const { start, end, inside } = range
  const low = start === -Infinity
  const high = end === Infinity
  if (inside) {
    if (low && high) return '*'
    if (low) return `≤ ${show(end)}`
    if (high) return `≥ ${show(start)}`
    return `${show(start)}–${show(end)}`
  }
  if (low && high) return ''
  if (low || (start === 0 && !high)) return `> ${show(end)}`
  if (high) return `< ${show(start)}`
  return `< ${show(start)}, > ${show(end)}`
}

/** Which values are well, to stand beside one that is: "≤ 80%", "≥ 10%", "1–5"; empty where it needs more words. */
export function wellWords(text: string | undefined, show: (n: number) => string): string {
  const range = parseRange(text)
  if (!range || range.inside) return ''
  const { start, end } = range
  if (end === Infinity) return start === -Infinity ? '' : `≥ ${show(start)}`
  return start === -Infinity || start === 0 ? `≤ ${show(end)}` : `${show(start)}–${show(end)}`
}

function short(value: number): string {
  const a = Math.abs(value)
  if (Number.isInteger(value) && a < 1e15) return value.toLocaleString('en-US')
  if (a < 0.1) return String(Number(value.toPrecision(2)))
  if (a < 1) return value.toFixed(2)
  if (a < 1000) return value.toFixed(1)
  return Math.round(value).toLocaleString('en-US')
}

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

function bytes(value: number): string {
  let unit = 0
  while (Math.abs(value) >= 1024 && unit < byteUnits.length - 1) {
    value /= 1024
    unit++
  }
  return `${short(value)} ${byteUnits[unit]}`
}

function seconds(value: number, english: boolean): string {
  const a = Math.abs(value)
  const words = english ? ['ms', 's', 'min', 'h', 'd'] : ['毫秒', '秒', '分钟', '小时', '天']
  if (a < 1) return `${short(value * 1000)} ${words[0]}`
  if (a < 120) return `${short(value)} ${words[1]}`
  if (a < 7200) return `${short(value / 60)} ${words[2]}`
  if (a < 172_800) return `${short(value / 3600)} ${words[3]}`
  return `${short(value / 86_400)} ${words[4]}`
}

/** A value with its unit for people. */
export function showValue(value: number | null | undefined, uom: string, english = false): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '—'
  switch (uom) {
    case 'B':
      return bytes(value)
    case 's':
      return seconds(value, english)
    case '%':
      return `${short(value)}%`
    case 'd':
      return `${short(value)} ${english ? 'd' : '天'}`
    case 'c':
    case '':
      return short(value)
    default:
      return `${short(value)} ${uom}`
  }
}

const gravity: Record<string, number> = { CRITICAL: 0, UNKNOWN: 1, WARNING: 2, OK: 3 }

/** Sorts red first: CRITICAL, UNKNOWN, WARNING, OK; what has no source, or no result, comes last. */
export function gravityOf(state: CheckState | '' | null | undefined, reason?: string): number {
  if (!state) return 5
  if (reason === 'no_source') return 4
  return gravity[state] ?? 5
}
