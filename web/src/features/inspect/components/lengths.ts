export const unitSeconds = { second: 1, minute: 60, hour: 3600, day: 86_400 } as const
export type Unit = keyof typeof unitSeconds

export interface Length {
  count: number
  unit: Unit
}

/** 7200 is 2 hours, 90 is 90 seconds. */
export function splitInterval(seconds: number): Length {
  const unit = (['day', 'hour', 'minute'] as const).find((u) => seconds % unitSeconds[u] === 0) ?? 'second'
  return { count: seconds / unitSeconds[unit], unit }
}

export const secondsOf = (length: Length | undefined) => (length ? length.count * unitSeconds[length.unit] : 0)

export const shortestInterval = 30
export const longestInterval = 31 * 86_400
