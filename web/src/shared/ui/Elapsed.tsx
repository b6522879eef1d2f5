import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { formatTime, serverNow, type TimeValue } from '@/shared/lib/time'
import { useSpanText } from './Time'

/** For how long something has lasted, by the server's clock. */
export function Elapsed({ since }: { since: TimeValue }) {
  const { t } = useTranslation()
  const span = useSpanText()
  const [now, setNow] = useState(serverNow)
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), 15_000)
    return () => clearInterval(timer)
  }, [])
  if (!since) return <span className="muted">—</span>
  const at = new Date(since)
  return (
    <time className="nowrap" dateTime={at.toISOString()} title={`${formatTime(since, 'full')} ${t('time.zone')}`}>
      {span(Math.max(0, now - at.getTime()))}
    </time>
  )
}
