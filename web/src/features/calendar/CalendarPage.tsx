import { LeftOutlined, PlusOutlined, RightOutlined, UploadOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Button, Space } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useKeys } from '@/shared/lib/keys'
import { Can } from '@/shared/lib/perm'
import { useFilters } from '@/shared/lib/search'
import { serverNow, shanghai } from '@/shared/lib/time'
import { ExportButton } from '@/shared/ui/ExportButton'
import { Notice } from '@/shared/ui/Notice'
import { PageHeader } from '@/shared/ui/PageHeader'
import { StateTag } from '@/shared/ui/StateTag'
import { StateView } from '@/shared/ui/StateView'
import { ImportDrawer } from './components/ImportDrawer'
import { PeriodForm } from './components/PeriodForm'
import { PeriodTable } from './components/PeriodTable'
import { Legend, YearGrid } from './components/YearGrid'
import './calendar.css'
import { statusQuery, yearQuery, type Year } from './queries'

/** A year day by day: what is worked, whose list says so, and the times that want more care. */
export default function CalendarPage() {
  const { t } = useTranslation('calendar')
  const [search, change] = useFilters<'year'>()
  const today = shanghai(serverNow())
  const asked = Number(search.year)
  const year = asked >= 2000 && asked <= 2100 ? asked : today.year()
  const query = useQuery(yearQuery(year))
  const status = useQuery(statusQuery).data
  const [importing, setImporting] = useState<'list' | 'periods'>()
  const [adding, setAdding] = useState(false)
  const go = (to: number) => change({ year: to === today.year() ? undefined : String(to) })
  useKeys({ '[': () => go(year - 1), ']': () => go(year + 1) })

  return (
    <>
      <PageHeader
        title={t('title', { year })}
        meta={
          query.data?.known &&
          t('counts', { workdays: query.data.workdays, makeups: query.data.makeups }) +
            (query.data.published ? '' : ` · ${t('provisional')}`)
        }
        actions={
          <>
            <Space.Compact>
              <Button icon={<LeftOutlined />} aria-label={t('previous')} onClick={() => go(year - 1)} />
              <Button onClick={() => go(today.year())}>{t('thisYear')}</Button>
              <Button icon={<RightOutlined />} aria-label={t('next')} onClick={() => go(year + 1)} />
            </Space.Compact>
            <ExportButton name={`calendar-${year}`} path={`/calendar/years/${year}/export`} />
            <Can perm="calendar.manage">
              <Button icon={<PlusOutlined />} onClick={() => setAdding(true)}>
                {t('period.add')}
              </Button>
              <Button type="primary" icon={<UploadOutlined />} onClick={() => setImporting('list')}>
                {t('import.open')}
              </Button>
            </Can>
          </>
        }
      />
      <div className="stack">
        {status?.missing
          .filter((y) => y !== year)
          .map((y) => (
            <Notice key={y} tone="critical" title={t('missingTitle', { year: y })}>
              {t('missingBody')}
            </Notice>
          ))}
        <StateView query={query} skeletonRows={12}>
          {(data) => <YearBody data={data} today={today.format('YYYY-MM-DD')} />}
        </StateView>
      </div>
      <ImportDrawer
        open={importing !== undefined}
        kind={importing ?? 'list'}
        year={query.data && !query.data.published ? year : (status?.awaited ?? 0) || year + 1}
        onKind={setImporting}
        onClose={() => setImporting(undefined)}
        onDone={(y) => y && go(y)}
      />
      <PeriodForm open={adding} onClose={() => setAdding(false)} />
    </>
  )
}

function YearBody({ data, today }: { data: Year; today: string }) {
  const { t } = useTranslation('calendar')
  return (
    <>
      {!data.known && (
        <Notice tone="critical" title={t('unknownTitle', { year: data.year })}>
          {t('unknownBody')}
        </Notice>
      )}
      {data.known && !data.published && (
        <Notice tone="warning" title={t('provisionalTitle', { year: data.year })}>
          {t('provisionalBody')}
        </Notice>
      )}
      <section className="panel panel-body stack" aria-label={t('title', { year: data.year })}>
        <Legend />
        <YearGrid days={data.days} today={today} />
      </section>
      <PeriodTable periods={data.periods} />
      <section className="panel">
        <div className="panel-head">
          <h2 className="panel-title">{t('sources')}</h2>
          <span className="meta">{t('sourcesHelp')}</span>
        </div>
        {data.lists.length === 0 ? (
          <p className="panel-body muted">{t('noSources')}</p>
        ) : (
          <ul className="calendar-sources">
            {data.lists.map((list) => (
              <li key={list.id}>
                <span className="nowrap">{t(`layer.${list.layer}`)}</span>
                <span className="grow">{list.source}</span>
                {list.provisional && <StateTag tone="warning" text={t('provisional')} />}
                <span className="meta">{t('version', { version: list.version })}</span>
              </li>
            ))}
          </ul>
        )}
      </section>
    </>
  )
}
