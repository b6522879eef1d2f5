import { ApiOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Button, DatePicker, Select } from 'antd'
import dayjs from 'dayjs'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Can } from '@/shared/lib/perm'
import { useFilters } from '@/shared/lib/search'
import { DataTable, type Column } from '@/shared/ui/DataTable'
import { FilterSelect } from '@/shared/ui/FilterSelect'
import { PageHeader } from '@/shared/ui/PageHeader'
import { StateTag } from '@/shared/ui/StateTag'
import { Empty } from '@/shared/ui/StateView'
import { Time } from '@/shared/ui/Time'
import { Explain } from './components/Explain'
import { FiguresPanel } from './components/FiguresPanel'
import { Sources } from './components/Sources'
import './parallel.css'
import { fetchDifferences, figuresQuery, keys, sides, verdicts, whys, type Difference } from './queries'
import { SeverityTag, SideTag, leadText } from './words'

const filterKeys = ['q', 'from', 'to', 'minutes', 'side', 'why', 'verdict', 'severity', 'asset_id'] as const

/** Zabbix beside our own inspection: who saw what, who was first, and what a person said of it. */
export default function DifferencesPage() {
  const { t } = useTranslation('parallel')
  const [search, change] = useFilters<(typeof filterKeys)[number] | 'panel'>()
  const [total, setTotal] = useState('')
  const [said, setSaid] = useState<Difference>()
  const span = useMemo(
    () => ({ from: search.from, to: search.to, minutes: search.minutes }),
    [search.from, search.to, search.minutes],
  )
  const figures = useQuery(figuresQuery(span))
  const day = (text: string | undefined) => (text ? dayjs(text) : null)
  const columns: Column<Difference>[] = [
    { key: 'side', title: t('col.side'), width: 108, render: (d) => <SideTag side={d.side} /> },
    { key: 'at', title: t('col.at'), width: 150, render: (d) => <Time value={d.at} format="full" /> },
    {
      key: 'asset',
      title: t('col.asset'),
      width: 140,
      ellipsis: true,
      render: (d) =>
        d.asset_id ? (
          <Link to={`/fleet/assets/${d.asset_id}` as string}>{d.asset_name}</Link>
        ) : (
          <span className="soft">{d.asset_name}</span>
        ),
    },
    {
      key: 'theirs',
      title: t('col.theirs'),
      width: 210,
      render: (d) =>
        d.problem ? (
          <>
            <SeverityTag severity={d.problem.severity} /> {d.problem.trigger}
          </>
        ) : (
          <span className="muted">—</span>
        ),
    },
    {
      key: 'ours',
      title: t('col.ours'),
      width: 210,
      render: (d) =>
        d.finding ? (
          <>
            <Link to={`/inspect/findings/${d.finding.id}` as string}>{d.finding.title}</Link>{' '}
            <span className="mono meta">{d.finding.number}</span>
          </>
        ) : (
          <span className="muted">—</span>
        ),
    },
    {
      key: 'what',
      title: t('col.what'),
      width: 180,
      render: (d) =>
        d.side === 'both' ? (
          leadText(d.lead_seconds, t)
        ) : (
          <span className="soft">{t(`why.${d.why || 'not_seen'}`)}</span>
        ),
    },
    {
      key: 'verdict',
      title: t('col.verdict'),
      width: 150,
      render: (d) =>
        d.verdict ? (
          <>
            <StateTag tone="neutral" text={t(`verdict.${d.verdict.verdict}`)} />{' '}
            <span className="soft">{d.verdict.reason}</span>
          </>
        ) : d.side === 'both' ? (
          ''
        ) : (
          <Can perm="parallel.explain">
            <Button size="small" onClick={() => setSaid(d)}>
              {t('explain.button')}
            </Button>
          </Can>
        ),
    },
  ]
  const sourcesButton = (
    <Button icon={<ApiOutlined />} onClick={() => change({ panel: 'sources' })}>
      {t('sources.button')}
    </Button>
  )
  return (
    <>
      <PageHeader title={t('title')} meta={total} actions={sourcesButton} />
      <div className="stack">
        <FiguresPanel query={figures} />
        <DataTable<Difference>
          queryKey={keys.differences}
          fetch={fetchDifferences}
          columns={columns}
          rowKey={(d) => d.key}
          filterKeys={filterKeys}
          searchPlaceholder={t('search')}
          exportPath="/parallel/differences/export"
          onTotal={setTotal}
          onOpen={(d) => d.side !== 'both' && setSaid(d)}
          empty={<Empty text={t('empty')} hint={t('emptyHint')} action={sourcesButton} />}
          filters={
            <>
              <DatePicker.RangePicker
                aria-label={t('filter.days')}
                placeholder={[t('filter.from'), t('filter.to')]}
                value={[day(figures.data?.from ?? search.from), day(figures.data?.to ?? search.to)]}
                onChange={(days) =>
                  change({ from: days?.[0]?.format('YYYY-MM-DD'), to: days?.[1]?.format('YYYY-MM-DD') })
                }
              />
              <Select<string>
                aria-label={t('filter.minutes')}
                popupMatchSelectWidth={false}
                value={search.minutes ?? '15'}
                options={['5', '15', '30', '60', '240'].map((value) => ({
                  value,
                  label: t('filter.within', { n: value }),
                }))}
                onChange={(value) => change({ minutes: value === '15' ? undefined : value })}
              />
              <FilterSelect
                name="side"
                label={t('col.side')}
                options={sides.map((value) => ({ value, label: t(`side.${value}`) }))}
              />
              <FilterSelect
                name="why"
                label={t('filter.why')}
                options={whys.map((value) => ({ value, label: t(`why.${value}`) }))}
              />
              <FilterSelect
                name="verdict"
                label={t('col.verdict')}
                options={verdicts.map((value) => ({ value, label: t(`verdict.${value}`) }))}
              />
              <FilterSelect
                name="severity"
                label={t('filter.severity')}
                options={['2', '3', '4', '5'].map((value) => ({ value, label: t(`severityFrom.${value}`) }))}
              />
            </>
          }
        />
      </div>
      <Explain difference={said} onClose={() => setSaid(undefined)} />
      <Sources open={search.panel === 'sources'} onClose={() => change({ panel: undefined })} />
    </>
  )
}
