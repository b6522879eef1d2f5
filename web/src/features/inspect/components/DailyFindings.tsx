import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useLocalized } from '@/shared/lib/localized'
import type { Column } from '@/shared/ui/DataTable'
import { LocalTable } from '@/shared/ui/LocalTable'
import { Ago } from '@/shared/ui/Time'
import type { DailyDetail, Finding } from '../types'
import { Due, FindingMarks, FindingStateTag, SeverityTag } from './findingWords'

/** Findings that somebody still has to close, and what changed since the check before. */
export function DailyFindings({ daily }: { daily: DailyDetail }) {
  const { t } = useTranslation('inspect')
  const { title } = useLocalized()
  const columns: Column<Finding>[] = [
    {
      key: 'severity',
      title: t('finding.severity'),
      width: 80,
      render: (f) => <SeverityTag severity={f.severity} />,
    },
    {
      key: 'number',
      title: t('col.number'),
      width: 136,
      render: (f) => (
        <Link className="mono nowrap" to={`/inspect/findings/${f.id}` as string}>
          {f.number}
        </Link>
      ),
    },
    {
      key: 'title',
      title: t('finding.title'),
      width: 320,
      ellipsis: true,
      render: (f) => (
        <>
          <FindingMarks finding={f} /> {f.asset_name} {title(f)}
        </>
      ),
    },
    { key: 'state', title: t('col.state'), width: 110, render: (f) => <FindingStateTag state={f.state} /> },
    {
      key: 'assignee',
      title: t('finding.assignee'),
      width: 110,
      render: (f) => f.assignee?.display_name ?? <span className="muted">{t('parts:person.none')}</span>,
    },
    { key: 'due', title: t('finding.due'), width: 130, render: (f) => <Due finding={f} /> },
  ]
  if (daily.open.length + daily.opened.length + daily.closed.length === 0) return null
  return (
    <>
      {daily.open.length > 0 && (
        <section className="panel">
          <div className="panel-head">
            <h2 className="panel-title">{t('daily.open')}</h2>
            <span className="meta">
              {daily.figures.open > daily.open.length &&
                t('daily.firstOf', { n: daily.open.length, count: daily.figures.open })}
            </span>
          </div>
          <LocalTable label={t('daily.open')} rows={daily.open} columns={columns} rowKey={(f) => f.id} />
        </section>
      )}
      <section className="panel panel-body daily-changes" aria-label={t('daily.changes')}>
        <Changed
          heading={t('daily.opened', { count: daily.figures.opened })}
          findings={daily.opened}
          at={(f) => f.opened_at}
        />
        <Changed
          heading={t('daily.closed', { count: daily.figures.closed })}
          findings={daily.closed}
          at={(f) => f.closed_at}
        />
      </section>
    </>
  )
}

interface ChangedProps {
  heading: string
  findings: Finding[]
  at: (finding: Finding) => string | null | undefined
}

function Changed({ heading, findings, at }: ChangedProps) {
  const { title } = useLocalized()
  return (
    <div>
      <h2 className="panel-title">{heading}</h2>
      <ul className="daily-list">
        {findings.map((f) => (
          <li key={f.id}>
            <Link className="mono" to={`/inspect/findings/${f.id}` as string}>
              {f.number}
            </Link>{' '}
            {f.asset_name} {title(f)}{' '}
            <span className="meta">
              <Ago value={at(f)} />
            </span>
          </li>
        ))}
      </ul>
    </div>
  )
}
