import { QueryClient } from '@tanstack/react-query'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError } from '@/shared/api/client'
import { meKey } from '@/shared/api/me'
import { fieldPath } from './formErrors'
import { connectLive, liveState } from './live'
import { safeNext } from './next'
import { searchOf } from './search'
import { formatTime, isoToWall, serverNow, setServerTime, splitSpan, wallToIso } from './time'

describe('time', () => {
  it('is shown in Asia/Shanghai whatever the zone of the computer', () => {
    expect(formatTime('2026-02-28T16:30:05.123456Z', 'full')).toBe('2026-03-01 00:30:05')
    expect(formatTime('2026-02-28T16:30:05Z', 'date')).toBe('2026-03-01')
  })

  it('leaves out the year only while it is the present one', () => {
    expect(formatTime('2001-05-01T00:00:00Z')).toBe('2001-05-01 08:00')
    expect(formatTime(new Date().toISOString())).toMatch(/^\d\d-\d\d \d\d:\d\d$/)
  })

  it('shows a dash for nothing', () => {
    expect(formatTime(undefined)).toBe('—')
    expect(formatTime('no date')).toBe('—')
  })

  it('reads a date picker as Shanghai time and back', () => {
    const iso = '2026-03-01T01:02:03.000Z'
    expect(wallToIso(isoToWall(iso))).toBe(iso)
    expect(isoToWall(iso).format('HH:mm')).toBe('09:02')
  })

  it('follows the clock of the server', () => {
    const local = Date.now()
    setServerTime(new Date(local + 3_600_000).toISOString(), local)
    expect(serverNow() - Date.now()).toBeGreaterThan(3_500_000)
    setServerTime(new Date(local).toISOString(), local)
  })

  it('keeps the two largest units of a span', () => {
    expect(splitSpan(42_000)).toEqual([{ unit: 'second', value: 42 }])
    expect(splitSpan(3_600_000)).toEqual([{ unit: 'hour', value: 1 }])
    expect(splitSpan(-(26 * 3_600_000 + 59_000))).toEqual([
      { unit: 'day', value: 1 },
      { unit: 'hour', value: 2 },
    ])
  })
})

describe('safeNext', () => {
  it('stays on this site', () => {
    expect(safeNext('/inspect?x=1')).toBe('/inspect?x=1')
    for (const bad of [
      undefined,
      'https://evil.example',
      '//evil.example',
      '/\\evil.example',
      '/sign-in?next=/x',
      '/setup',
    ]) {
      expect(safeNext(bad)).toBe('/')
    }
  })
})

it('searchOf keeps known, filled text filters only', () => {
  expect(searchOf('q', 'state')({ q: 'a', state: '', other: 'x', n: 1 })).toEqual({ q: 'a' })
})

it('fieldPath finds the form field of a problem location', () => {
  expect(fieldPath('body.grants[0].area_path')).toEqual(['grants', 0, 'area_path'])
  expect(fieldPath('body.login')).toEqual(['login'])
  expect(fieldPath('query.limit')).toBeNull()
  expect(fieldPath(undefined)).toBeNull()
})

it('ApiError says the detail, else the title, else the code', () => {
  expect(new ApiError({ code: 'x', title: 'T' }, 400).message).toBe('T')
  expect(new ApiError({ code: 'x' }, 400).message).toBe('x')
})

class FakeSource {
  static made: FakeSource[] = []
  onopen: (() => void) | null = null
  onerror: (() => void) | null = null
  closed = false
  private listener: ((event: MessageEvent<string>) => void) | null = null
  constructor() {
    FakeSource.made.push(this)
  }
  addEventListener(_type: string, listener: (event: MessageEvent<string>) => void) {
    this.listener = listener
  }
  close() {
    this.closed = true
  }
  say(data: string) {
    this.listener?.(new MessageEvent('change', { data }))
  }
}

describe('connectLive', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    FakeSource.made = []
  })
  afterEach(() => vi.useRealTimers())

  function start() {
    const client = new QueryClient()
    const invalidate = vi.spyOn(client, 'invalidateQueries').mockResolvedValue()
    const stop = connectLive(client, () => new FakeSource() as unknown as EventSource)
    return { invalidate, stop }
  }

  it('gathers changes and marks each changed module stale once', () => {
    const { invalidate, stop } = start()
    const source = FakeSource.made[0]!
    source.onopen?.()
    expect(liveState.get()).toBe('live')
    source.say('{"modules":["inspect"],"types":["inspect.round.finished"]}')
    source.say('{"modules":["inspect","fleet"]}')
    source.say('no json')
    vi.advanceTimersByTime(300)
    expect(invalidate.mock.calls.map(([filter]) => filter?.queryKey)).toEqual([['inspect'], ['fleet'], ['home']])
    stop()
    expect(source.closed).toBe(true)
  })

  it('opens an ended stream again at once and stays live', () => {
    const { invalidate, stop } = start()
    FakeSource.made[0]!.onopen?.()
    FakeSource.made[0]!.onerror?.()
    vi.advanceTimersByTime(100)
    expect(FakeSource.made).toHaveLength(2)
    expect(liveState.get()).toBe('live')
    FakeSource.made[1]!.onopen?.()
    expect(invalidate.mock.calls).toEqual([[]])
    stop()
  })

  it('comes back with growing pauses after real failures and then asks everything again', () => {
    const { invalidate, stop } = start()
    FakeSource.made[0]!.onerror?.()
    vi.advanceTimersByTime(100)
    FakeSource.made[1]!.onerror?.()
    expect(liveState.get()).toBe('offline')
    expect(invalidate.mock.calls).toEqual([[{ queryKey: meKey }]])
    vi.advanceTimersByTime(1_300)
    expect(FakeSource.made).toHaveLength(3)
    FakeSource.made[2]!.onerror?.()
    vi.advanceTimersByTime(1_300)
    expect(FakeSource.made).toHaveLength(3)
    vi.advanceTimersByTime(1_300)
    expect(FakeSource.made).toHaveLength(4)
    FakeSource.made[3]!.onopen?.()
    expect(liveState.get()).toBe('live')
    expect(invalidate.mock.calls.at(-1)).toEqual([])
    stop()
  })
})
