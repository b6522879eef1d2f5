import { useQuery } from '@tanstack/react-query'
import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'
import type { Plan } from '@/shared/api/inspect'
import type { Tone } from '@/shared/ui/StateTag'
import { useLocalized } from '@/shared/lib/localized'
import { metricsQuery } from './queries'

/** A plan that inspects nothing is not a quiet one. */
export const planTones: Record<Plan['state'], Tone> = { on: 'quiet', off: 'absent', empty: 'warning', never: 'warning' }

/**
 * What a measured value is called: "used_percent /var" is the title of its metric and the thing. A label that nobody
 * named, as those of plug-ins, stays as it is.
 */
export function useMetricName(): (label: string) => string {
  const { title } = useLocalized()
  const metrics = useQuery(metricsQuery).data
  return useCallback(
    (label: string) => {
      const [metric, ...thing] = label.split(' ')
      const known = metrics?.get(metric!)
      return known ? [title(known), ...thing].join(' ') : label
    },
    [metrics, title],
  )
}

/** The name of one metric, "" for none. */
export function useMetricTitle(metric: string | undefined): string {
  const name = useMetricName()
  return metric ? name(metric) : ''
}

/** A machine's reason in words; one that nobody translated is shown as it is. */
export function useReasonText(): (reason: string | null | undefined) => string {
  const { t, i18n } = useTranslation('inspect')
  return useCallback(
    (reason: string | null | undefined) => {
      if (!reason) return ''
      const key = `inspect:reasons.${reason}`
      return i18n.exists(key) ? t(`reasons.${reason}`) : reason
    },
    [t, i18n],
  )
}

/** An interval in its largest whole unit: 300 s is 5 minutes, 90 s is 90 seconds. */
export function useIntervalText(): (seconds: number) => string {
  const { t } = useTranslation('inspect')
  return useCallback(
    (seconds: number) => {
      const [unit, count] =
        seconds % 86_400 === 0
          ? ['day', seconds / 86_400]
          : seconds % 3600 === 0
            ? ['hour', seconds / 3600]
            : seconds % 60 === 0
              ? ['minute', seconds / 60]
              : ['second', seconds]
      return t(`interval.${unit}`, { count: count as number })
    },
    [t],
  )
}

/** When a plan is due, in one line: "工作日 08:20、14:00；征期内每 10 分钟". */
export function useTimingText(): (plan: Pick<Plan, 'interval_seconds' | 'timing'>) => string {
  const { t } = useTranslation('inspect')
  const interval = useIntervalText()
  return useCallback(
    ({ interval_seconds, timing }) => {
      const which = timing.periods.length
        ? timing.periods.map((kind) => t(`periodKind.${kind}`)).join('、')
        : t('timing.anyPeriod')
      const parts = [
        timing.rhythm === 'times' ? timing.times.join('、') : interval(interval_seconds),
        timing.days === 'workdays' && t('timing.workdays'),
        timing.protection === 'only' && t('timing.onlyIn', { which }),
        timing.protection === 'denser' && t('timing.denserIn', { which, interval: interval(timing.dense_seconds) }),
      ]
      return parts.filter(Boolean).join(t('timing.join'))
    },
    [t, interval],
  )
}
