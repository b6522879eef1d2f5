import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'

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
