import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { formatTime, serverNow, splitSpan, type TimeFormat, type TimeValue } from '@/shared/lib/time'

/** An instant in Beijing time; the whole of it on hover. */
export function Time({ value, format = 'short' }: { value: TimeValue; format?: TimeFormat }) {
  const { t } = useTranslation()
  if (!value) return <span className="muted">—</span>
  const iso = new Date(value).toISOString()
  return (
    <time className="nowrap" dateTime={iso} title={`${formatTime(value, 'full')} ${t('time.zone')}`}>
      {formatTime(value, format)}
    </time>
  )
}

/** Writes a length of time in the page's language, in its one or two largest units. */
export function useSpanText(units: 1 | 2 = 2): (ms: number) => string {
  const { t } = useTranslation()
  return (ms) =>
    splitSpan(ms)
      .slice(0, units)
      .map((s) => t(`time.${s.unit}`, { count: s.value }))
      .join(' ')
}

/** How long ago or how soon, by the server's clock; follows the clock while it is shown. */
export function Ago({ value }: { value: TimeValue }) {
  const { t } = useTranslation()
  const span = useSpanText(1)
  const [now, setNow] = useState(serverNow)
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), 15_000)
    return () => clearInterval(timer)
  }, [])
  if (!value) return <span className="muted">—</span>
  const distance = now - new Date(value).getTime()
  const text =
    Math.abs(distance) < 10_000
      ? t('time.now')
      : distance > 0
        ? t('time.ago', { span: span(distance) })
        : t('time.in', { span: span(distance) })
  return (
    <time
      className="nowrap"
      dateTime={new Date(value).toISOString()}
      title={`${formatTime(value, 'full')} ${t('time.zone')}`}
    >
      {text}
    </time>
  )
}
