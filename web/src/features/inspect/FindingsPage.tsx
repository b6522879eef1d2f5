import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { checkClasses } from '@/shared/api/inspect'
import { useOrgNames } from '@/shared/api/org'
import { useFilters } from '@/shared/lib/search'
import { formatTime } from '@/shared/lib/time'
import { AssetSelect } from '@/shared/ui/AssetSelect'
import { CountTabs } from '@/shared/ui/CountTabs'
import { DataTable, type Column } from '@/shared/ui/DataTable'
import { FilterSelect } from '@/shared/ui/FilterSelect'
import { PageHeader } from '@/shared/ui/PageHeader'
import { PersonSelect } from '@/shared/ui/PersonSelect'
import { Empty } from '@/shared/ui/StateView'
import { Ago, Time } from '@/shared/ui/Time'
import { Due, FindingMarks, FindingStateTag, SeverityTag } from './components/findingWords'
import './inspect.css'
import { fetchFindings, findingCountsQuery, keys, notClosed, type Count } from './queries'
import { findingStates, type Finding } from './types'

const filterKeys = [
  'q',
  'state',
  'severity',
  'assignee_id',
  'class',
  'system_id',
  'asset_id',
  'overdue',
  'recurring',
] as const
const everyState = findingStates.join(',')

const countText = (count: Count | undefined) => count && count.total.toLocaleString('en-US') + (count.capped ? '+' : '')

export default function FindingsPage() {
  const { t } = useTranslation('inspect')
  const { systems, systemName } = useOrgNames()
  const navigate = useNavigate()
  const [search, change] = useFilters<(typeof filterKeys)[number]>()
  const [total, setTotal] = useState('')
  const others = useMemo(() => {
    const narrow: Record<string, string | undefined> = {}
    for (const key of filterKeys) if (key !== 'state') narrow[key] = search[key]
    return narrow
  }, [search])
  const counts = useQuery(findingCountsQuery(others)).data
  const unclosed = counts && {
    total: counts.open!.total + counts.assigned!.total + counts.repaired!.total,
    capped: counts.open!.capped || counts.assigned!.capped || counts.repaired!.capped,
  }
  // What somebody still has to deal with, unless the address asks for something else.
  const fixed = useMemo(() => ({ state: search.state ?? notClosed }), [search.state])

  const columns: Column<Finding>[] = [
    {
      key: 'severity',
      title: t('finding.severity'),
      width: 80,
      text: (f) => t(`check.${f.severity.toUpperCase()}`),
      render: (f) => <SeverityTag severity={f.severity} />,
    },
    {
      key: 'number',
      title: t('col.number'),
      width: 136,
      text: (f) => f.number,
      render: (f) => (
        <Link className="mono nowrap" to={`/inspect/findings/${f.id}` as string}>
          {f.number}
        </Link>
      ),
    },
    {
      key: 'title',
      title: t('finding.title'),
      width: 270,
      ellipsis: true,
      text: (f) => f.title,
      render: (f) => (
        <>
          <FindingMarks finding={f} /> {f.title}
          <span className="meta"> {f.summary}</span>
        </>
      ),
    },
    {
      key: 'asset',
      title: t('col.asset'),
      width: 110,
      ellipsis: true,
      text: (f) => f.asset_name,
      render: (f) => <span title={systemName(f.system_id)}>{f.asset_name}</span>,
    },
    {
      key: 'state',
      title: t('col.state'),
      width: 128,
      text: (f) => t(`finding.states.${f.state}`),
      render: (f) => <FindingStateTag state={f.state} />,
    },
    {
      key: 'assignee',
      title: t('finding.assignee'),
      width: 116,
      ellipsis: true,
      text: (f) => f.assignee?.display_name,
      render: (f) => f.assignee?.display_name ?? <span className="muted">{t('parts:person.none')}</span>,
    },
    {
      key: 'due',
      title: t('finding.due'),
      width: 130,
      text: (f) => (f.due_at ? formatTime(f.due_at, 'full') : ''),
      render: (f) => <Due finding={f} />,
    },
    {
      key: 'opened',
      title: t('finding.opened'),
      width: 110,
      sort: 'opened_at',
      text: (f) => formatTime(f.opened_at, 'full'),
      render: (f) => <Time value={f.opened_at} />,
    },
    {
      key: 'seen',
      title: t('finding.lastSeen'),
      width: 110,
      text: (f) => formatTime(f.last_seen_at, 'full'),
      render: (f) => (
        <span title={t('finding.seenTimes', { count: f.seen_count })}>
          <Ago value={f.last_seen_at} />
        </span>
      ),
    },
  ]

  return (
    <>
      <PageHeader title={t('findings.title')} meta={total} />
      <DataTable<Finding>
        queryKey={keys.findings}
        fetch={fetchFindings}
        columns={columns}
        rowKey={(f) => f.id}
        filterKeys={filterKeys}
        fixed={fixed}
        searchPlaceholder={t('findings.search')}
        exportName="findings"
        onTotal={setTotal}
        onOpen={(f) => void navigate({ to: `/inspect/findings/${f.id}` as string })}
        empty={<Empty text={t('findings.empty')} hint={t('findings.emptyHint')} />}
        head={
          <CountTabs
            name="state"
            label={t('col.state')}
            fallback={notClosed}
            tabs={[
              { value: notClosed, label: t('finding.states.unclosed'), count: countText(unclosed) },
              ...findingStates.map((state) => ({
                value: state as string,
                label: t(`finding.states.${state}`),
                count: countText(counts?.[state]),
              })),
              { value: everyState, label: t('tabs.all') },
            ]}
          />
        }
        filters={
          <>
            <FilterSelect
              name="severity"
              label={t('finding.severity')}
              multiple
              width={150}
              options={(['critical', 'unknown', 'warning'] as const).map((severity) => ({
                value: severity,
                label: t(`check.${severity.toUpperCase()}`),
              }))}
            />
            <PersonSelect
              label={t('finding.assignee')}
              value={search.assignee_id}
              onChange={(id) => change({ assignee_id: id })}
            />
            <FilterSelect
              name="class"
              label={t('col.class')}
              options={checkClasses.map((value) => ({ value, label: t(`parts:class.${value}`) }))}
            />
            <FilterSelect
              name="system_id"
              label={t('col.system')}
              options={systems.map((system) => ({ value: system.id, label: systemName(system.id) }))}
            />
            <FilterSelect
              name="overdue"
              label={t('finding.due')}
              options={[{ value: '1', label: t('finding.marks.overdue') }]}
            />
            <FilterSelect
              name="recurring"
              label={t('finding.recurring')}
              options={[{ value: '1', label: t('finding.recurringOnly') }]}
            />
            {search.asset_id && (
              <AssetSelect
                label={t('col.asset')}
                allowClear
                value={search.asset_id}
                onChange={(id) => change({ asset_id: id })}
              />
            )}
          </>
        }
      />
    </>
  )
}
