import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useOrgNames } from '@/shared/api/org'
import { useLocalized } from '@/shared/lib/localized'
import { CountTabs } from '@/shared/ui/CountTabs'
import { DataTable, type Column } from '@/shared/ui/DataTable'
import { PageHeader } from '@/shared/ui/PageHeader'
import { Empty } from '@/shared/ui/StateView'
import { StateTag } from '@/shared/ui/StateTag'
import { Ago } from '@/shared/ui/Time'
import { fetchRequests, keys, type Request } from './queries'
import { RequestState } from './words'

const filterKeys = ['state'] as const
const states = ['', 'proposed', 'approved', 'declined', 'withdrawn'] as const

/** What waits for a decision, and what was decided. */
export default function RequestsPage() {
  const { t } = useTranslation('approval')
  const { pick, title } = useLocalized()
  const { areaName } = useOrgNames()
  const navigate = useNavigate()
  const [total, setTotal] = useState('')
  const columns: Column<Request>[] = [
    {
      key: 'state',
      title: t('col.state'),
      width: 100,
      render: (r) => <RequestState state={r.state} />,
    },
    {
      key: 'number',
      title: t('col.number'),
      width: 140,
      render: (r) => <span className="mono soft nowrap">{r.number}</span>,
    },
    {
      key: 'title',
      title: t('col.title'),
      width: 360,
      render: (r) => <Link to={`/approval/requests/${r.id}` as string}>{title(r)}</Link>,
    },
    {
      key: 'kind',
      title: t('col.kind'),
      width: 120,
      render: (r) => pick(r.kind_title_zh, r.kind_title_en),
    },
    {
      key: 'proposed',
      title: t('col.proposedBy'),
      width: 110,
      render: (r) => r.proposed_by_name || '—',
    },
    {
      key: 'at',
      title: t('col.proposedAt'),
      width: 110,
      sort: 'proposed_at',
      render: (r) => <Ago value={r.proposed_at} />,
    },
    {
      key: 'decided',
      title: t('col.decidedBy'),
      width: 150,
      render: (r) => (
        <>
          {r.outside_who || r.decided_by_name || '—'} {r.alone && <StateTag tone="warning" text={t('alone')} />}
        </>
      ),
    },
    {
      key: 'area',
      title: t('col.area'),
      width: 110,
      ellipsis: true,
      render: (r) => areaName(r.area_path),
    },
  ]
  return (
    <>
      <PageHeader title={t('requests.title')} meta={total} />
      <DataTable<Request>
        queryKey={keys.requests}
        fetch={fetchRequests}
        columns={columns}
        rowKey={(r) => r.id}
        filterKeys={filterKeys}
        onTotal={setTotal}
        onOpen={(r) => void navigate({ to: `/approval/requests/${r.id}` as string })}
        head={
          <CountTabs
            name="state"
            label={t('col.state')}
            tabs={states.map((value) => ({ value, label: value ? t(`state.${value}`) : t('requests.all') }))}
          />
        }
        empty={<Empty text={t('requests.empty')} hint={t('requests.emptyHint')} />}
      />
    </>
  )
}
