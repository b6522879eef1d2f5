import { Link } from '@tanstack/react-router'
import { Button } from 'antd'
import { useTranslation } from 'react-i18next'
import { Can } from '@/shared/lib/perm'
import { formatTime, splitSpan } from '@/shared/lib/time'
import { Time } from '@/shared/ui/Time'
import type { Severity, TimelineEntry } from '../types'

const tones: Record<string, string> = {
  opened: 'tl-critical',
  worsened: 'tl-critical',
  reopened: 'tl-warning',
  overdue: 'tl-critical',
  postponed: 'tl-warning',
  closed: 'tl-ok',
  commented: 'tl-neutral',
}

/** "inspect.finding.opened" is the step "opened". */
export const stepOf = (type: string) => type.slice(type.lastIndexOf('.') + 1)

/** What happened to a finding, the oldest first. Who has seen it is told apart. */
export function FindingTimeline({ entries, onResult }: { entries: TimelineEntry[]; onResult: (id: string) => void }) {
  const { t, i18n } = useTranslation('inspect')
  const said = entries.filter((entry) => stepOf(entry.type) !== 'seen')
  return (
    <ol className="timeline">
      {said.map((entry) => {
        const step = stepOf(entry.type)
        const key = `inspect:step.${step}`
        const resultId = text(entry.fields.result_id)
        const severity = text(entry.fields.severity)
        return (
          <li key={entry.seq} className={tones[step]}>
            <div className="timeline-head">
              <strong>{i18n.exists(key) ? t(`step.${step}`) : entry.type}</strong>
              {entry.actor.kind === 'account' ? (
                <span>{entry.actor.display_name || t('parts:person.erased')}</span>
              ) : (
                <span className="muted">{t('parts:person.system')}</span>
              )}
              <span className="meta">
                <Time value={entry.at} format="full" />
              </span>
              <Can perm="journal.read">
                <Link className="meta mono" to={`/journal/rows/${entry.seq}` as string} title={t('finding.journalRow')}>
                  #{entry.seq}
                </Link>
              </Can>
            </div>
            {step === 'assigned' && (
              <div className="soft">
                {t('finding.assignedTo', { name: text(entry.fields.assignee_name) || '—' })}
                {text(entry.fields.due_at) &&
                  ` · ${t('finding.dueAt', { time: formatTime(text(entry.fields.due_at), 'minute') })}`}
              </div>
            )}
            {(step === 'postponed' || step === 'overdue') && text(entry.fields.due_at) && (
              <div className="soft">
                {text(entry.fields.was_due_at) && `${formatTime(text(entry.fields.was_due_at), 'minute')} → `}
                {t('finding.dueAt', { time: formatTime(text(entry.fields.due_at), 'minute') })}
              </div>
            )}
            {step === 'worsened' && severity && (
              <div className="soft">
                {severityWord(t, text(entry.fields.from))} → {severityWord(t, severity)}
              </div>
            )}
            {step === 'closed' && (
              <div className="soft">
                {t('finding.openFor', {
                  span: splitSpan(Number(entry.fields.open_seconds) * 1000)
                    .map((s) => t(`time.${s.unit}`, { count: s.value }))
                    .join(' '),
                })}
              </div>
            )}
            {entry.text && <div className="timeline-text">{entry.text}</div>}
            {resultId && (
              <Button type="link" size="small" style={{ padding: 0 }} onClick={() => onResult(resultId)}>
                {t('finding.showResult')}
              </Button>
            )}
          </li>
        )
      })}
    </ol>
  )
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

function severityWord(t: (key: string) => string, severity: string): string {
  const words: Record<Severity, string> = {
    critical: t('check.CRITICAL'),
    unknown: t('check.UNKNOWN'),
    warning: t('check.WARNING'),
  }
  return words[severity as Severity] ?? severity
}
