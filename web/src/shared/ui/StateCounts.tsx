import { useTranslation } from 'react-i18next'
import type { StateCounts as Counts } from '@/shared/api/inspect'
import './detail.css'

const order = [
  ['critical', 'CRITICAL'],
  ['unknown', 'UNKNOWN'],
  ['warning', 'WARNING'],
  ['ok', 'OK'],
  ['no_source', 'no_source'],
] as const

/** Results by state in words; what is not OK has its colour, what is zero is left out. */
export function StateCounts({ counts, zero }: { counts: Counts; zero?: boolean }) {
  const { t } = useTranslation()
  const shown = order.filter(([key]) => zero || counts[key] > 0)
  if (shown.length === 0) return <span className="muted">—</span>
  return (
    <span className="state-counts">
      {shown.map(([key, word]) => (
        <span key={key} className={`state-count${counts[key] > 0 ? ` is-${key}` : ''}`}>
          {t(`check.${word}`)} <b>{counts[key]}</b>
        </span>
      ))}
    </span>
  )
}

/** The same as lengths. `left` is what has not run yet. */
export function StateBar({ counts, left = 0 }: { counts: Counts; left?: number }) {
  return (
    <div className="state-bar" aria-hidden="true">
      {order
        .filter(([key]) => counts[key] > 0)
        .map(([key]) => (
          <span key={key} className={`bar-${key}`} style={{ flexGrow: counts[key], flexBasis: 0 }} />
        ))}
      {left > 0 && <span className="bar-left" style={{ flexGrow: left, flexBasis: 0 }} />}
    </div>
  )
}
