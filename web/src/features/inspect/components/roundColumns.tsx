import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Round } from '@/shared/api/inspect'
import { useLocalized } from '@/shared/lib/localized'
import { showValue } from '@/shared/lib/measure'
import type { Column } from '@/shared/ui/DataTable'
import { StateCounts } from '@/shared/ui/StateCounts'
import { CheckStateTag, StateTag } from '@/shared/ui/StateTag'
import { Time } from '@/shared/ui/Time'

/** Columns of rounds, for their own list and for the page of a plan. */
export function useRoundColumns(withPlan: boolean): Column<Round>[] {
  const { t } = useTranslation('inspect')
  const { english, pick } = useLocalized()
  const took = (r: Round) =>
    r.finished_at ? showValue((Date.parse(r.finished_at) - Date.parse(r.started_at)) / 1000, 's', english) : ''
  const columns: (Column<Round> | false)[] = [
    {
      key: 'worst',
      title: t('round.worst'),
      width: 90,
      render: (r) =>
        r.state === 'running' ? (
          <StateTag tone="info" text={t('parts:round.running')} />
        ) : (
          <CheckStateTag state={r.worst_state || null} />
        ),
    },
    {
      key: 'number',
      title: t('col.number'),
      width: 130,
      render: (r) => (
        <Link className="mono nowrap" to={`/inspect/rounds/${r.id}` as string}>
          {r.number}
        </Link>
      ),
    },
    withPlan && {
      key: 'plan',
      title: t('col.plan'),
      width: 130,
      ellipsis: true,
      render: (r) => pick(r.plan_name, r.plan_name_en),
    },
    {
      key: 'started',
      title: t('round.started'),
      width: 150,
      sort: 'started_at',
      render: (r) => <Time value={r.started_at} format="full" />,
    },
    withPlan && {
      key: 'ran',
      title: t('round.ranOfPlanned'),
      width: 100,
      align: 'right',
      render: (r) => `${r.ran} / ${r.planned}`,
    },
    {
      key: 'missed',
      title: t('round.missed'),
      width: 60,
      align: 'right',
      render: (r) =>
        r.missed > 0 ? <span className="tone-warning">{r.missed}</span> : <span className="muted">0</span>,
    },
    {
      key: 'counts',
      title: t('round.results'),
      width: 270,
      render: (r) => <StateCounts counts={r.counts} />,
    },
    {
      key: 'trigger',
      title: t('round.trigger'),
      width: 110,
      render: (r) => (
        <>
          {t(`parts:trigger.${r.trigger}`)}
          {r.started_by && <span className="meta"> {r.started_by.display_name}</span>}
        </>
      ),
    },
    withPlan && {
      key: 'took',
      title: t('round.took'),
      width: 90,
      align: 'right',
      render: (r) => <span className="soft">{took(r) || '—'}</span>,
    },
  ]
  return columns.filter((column): column is Column<Round> => column !== false)
}
