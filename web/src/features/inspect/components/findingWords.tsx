import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { serverNow } from '@/shared/lib/time'
import { StateTag, type Tone } from '@/shared/ui/StateTag'
import { Time, useSpanText } from '@/shared/ui/Time'
import type { Finding, FindingState, Severity } from '../types'

const stateTones: Record<FindingState, Tone> = { open: 'warning', assigned: 'info', repaired: 'neutral', closed: 'ok' }

export function FindingStateTag({ state }: { state: FindingState }) {
  const { t } = useTranslation('inspect')
  return <StateTag tone={stateTones[state]} text={t(`finding.states.${state}`)} />
}

export function SeverityTag({ severity }: { severity: Severity }) {
  const { t } = useTranslation('inspect')
  return <StateTag tone={severity} dot={false} text={t(`check.${severity.toUpperCase()}`)} />
}

/** What makes a finding worse than others of its severity: it is overdue, it came back, it was put off. */
export function FindingMarks({
  finding,
}: {
  finding: Pick<Finding, 'overdue' | 'recurrence' | 'postponed' | 'state'>
}) {
  const { t } = useTranslation('inspect')
  return (
    <>
      {finding.overdue && finding.state !== 'closed' && (
        <StateTag tone="critical" dot={false} text={t('finding.marks.overdue')} />
      )}
      {finding.recurrence > 0 && (
        <StateTag
          tone="warning"
          dot={false}
          text={t('finding.marks.recurring', { count: finding.recurrence, n: finding.recurrence + 1 })}
        />
      )}
      {finding.postponed > 0 && (
        <StateTag tone="neutral" dot={false} text={t('finding.marks.postponed', { count: finding.postponed })} />
      )}
    </>
  )
}

const soonMs = 2 * 3_600_000

/** Time left until a finding is due; in red with the delay once it has passed. */
export function Due({ finding }: { finding: Pick<Finding, 'due_at' | 'state' | 'closed_at'> }) {
  const { t } = useTranslation('inspect')
  const span = useSpanText()
  const [now, setNow] = useState(serverNow)
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), 15_000)
    return () => clearInterval(timer)
  }, [])
  if (!finding.due_at) return <span className="muted">—</span>
  if (finding.state === 'closed' || finding.state === 'repaired') return <Time value={finding.due_at} />
  const left = Date.parse(finding.due_at) - now
  if (left < 0) return <span className="overdue nowrap">{t('finding.overdue', { span: span(-left) })}</span>
  return <span className={`nowrap${left < soonMs ? ' due-soon' : ''}`}>{t('finding.left', { span: span(left) })}</span>
}
