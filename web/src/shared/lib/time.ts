import dayjs, { type Dayjs } from 'dayjs'
import utc from 'dayjs/plugin/utc'

dayjs.extend(utc)

/** Asia/Shanghai, whatever the zone of the browser. China has kept UTC+8 without summer time since 1992. */
const shanghaiMinutes = 8 * 60

let skewMs = 0

/** Notes the server's clock, so that "now" does not depend on the clock of the desk. */
export function setServerTime(serverTime: string, localNow: number = Date.now()): void {
  const at = Date.parse(serverTime)
  if (!Number.isNaN(at)) skewMs = at - localNow
}

export function serverNow(): number {
  return Date.now() + skewMs
}

export type TimeValue = string | number | null | undefined

export function shanghai(value: string | number): Dayjs {
  return dayjs.utc(value).utcOffset(shanghaiMinutes)
}

export type TimeFormat = 'full' | 'minute' | 'short' | 'date' | 'clock'

const patterns: Record<Exclude<TimeFormat, 'short'>, string> = {
  full: 'YYYY-MM-DD HH:mm:ss',
  minute: 'YYYY-MM-DD HH:mm',
  date: 'YYYY-MM-DD',
  clock: 'HH:mm:ss',
}

/** `short` leaves out the year while it is the current one. */
export function formatTime(value: TimeValue, format: TimeFormat = 'short'): string {
  if (value === null || value === undefined || value === '') return '—'
  const at = shanghai(value)
  if (!at.isValid()) return '—'
  if (format !== 'short') return at.format(patterns[format])
  return at.year() === shanghai(serverNow()).year() ? at.format('MM-DD HH:mm') : at.format(patterns.minute)
}

/** A date picker's wall-clock value, read as Shanghai time. */
export function wallToIso(wall: Dayjs): string {
  return dayjs.utc(wall.format('YYYY-MM-DDTHH:mm:ss')).subtract(shanghaiMinutes, 'minute').toISOString()
}

/** The wall-clock value that a date picker shows for an instant. */
export function isoToWall(iso: string): Dayjs {
  return dayjs(shanghai(iso).format('YYYY-MM-DDTHH:mm:ss'))
}

export interface Span {
  unit: 'second' | 'minute' | 'hour' | 'day'
  value: number
}

/** The one or two largest units of a length of time: 3 d 4 h, 25 min, 40 s. */
export function splitSpan(ms: number): Span[] {
  const seconds = Math.max(0, Math.round(Math.abs(ms) / 1000))
  if (seconds < 60) return [{ unit: 'second', value: seconds }]
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return [{ unit: 'minute', value: minutes }]
  const hours = Math.floor(minutes / 60)
  const rest = (unit: Span['unit'], value: number): Span[] => (value > 0 ? [{ unit, value }] : [])
  if (hours < 24) return [{ unit: 'hour', value: hours }, ...rest('minute', minutes % 60)]
  return [{ unit: 'day', value: Math.floor(hours / 24) }, ...rest('hour', hours % 24)]
}
