import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { checkClasses } from '@/shared/api/inspect'
import { useMe } from '@/shared/api/me'
import { useOrgNames } from '@/shared/api/org'
import { useLocalized } from '@/shared/lib/localized'
import { useFilters } from '@/shared/lib/search'
import { AssetSelect } from '@/shared/ui/AssetSelect'
import { CountTabs } from '@/shared/ui/CountTabs'
import { DataTable, type Column } from '@/shared/ui/DataTable'
import { FilterChip } from '@/shared/ui/FilterChip'
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
  'not_assignee_id',
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
  const { title } = useLocalized()
  const me = useMe()
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
      width: 96,
      sort: 'severity',
      render: (f) => <SeverityTag severity={f.severity} />,
    },
    {
      key: 'number',
      title: t('col.number'),
      width: 124,
      render: (f) => (
        <Link className="mono nowrap" to={`/inspect/findings/${f.id}` as string}>
          {f.number}
        </Link>
      ),
    },
    {
      key: 'title',
      title: t('finding.title'),
      width: 314,
      ellipsis: true,
      render: (f) => (
        <>
          <FindingMarks finding={f} /> {title(f)}
          <span className="meta"> {f.summary}</span>
        </>
      ),
    },
    {
      key: 'asset',
      title: t('col.asset'),
      width: 110,
      ellipsis: true,
      render: (f) => <span title={systemName(f.system_id)}>{f.asset_name}</span>,
    },
    {
      key: 'state',
      title: t('col.state'),
      width: 100,
      render: (f) => <FindingStateTag state={f.state} />,
    },
    {
      key: 'assignee',
      title: t('finding.assignee'),
      width: 104,
      ellipsis: true,
      render: (f) => f.assignee?.display_name ?? <span className="muted">{t('parts:person.none')}</span>,
    },
    {
      key: 'due',
      title: t('finding.due'),
      width: 130,
      render: (f) => <Due finding={f} />,
    },
    {
      key: 'opened',
      title: t('finding.opened'),
      width: 110,
      sort: 'opened_at',
      render: (f) => <Time value={f.opened_at} />,
    },
    {
      key: 'seen',
      title: t('finding.lastSeen'),
      width: 96,
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
        defaultSort="-severity"
        searchPlaceholder={t('findings.search')}
        exportPath="/inspect/findings/export"
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
              width={130}
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
            {search.not_assignee_id && (
              <FilterChip label={t('findings.anyone')} onRemove={() => change({ not_assignee_id: undefined })}>
                {search.not_assignee_id === me?.account.id ? t('findings.notMine') : t('findings.notThisPerson')}
              </FilterChip>
            )}
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
