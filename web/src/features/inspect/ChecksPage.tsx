import { PlusOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { checkClasses, type Check } from '@/shared/api/inspect'
import { useLocalized } from '@/shared/lib/localized'
import { Can } from '@/shared/lib/perm'
import { useFilters } from '@/shared/lib/search'
import { AssetSelect } from '@/shared/ui/AssetSelect'
import { CountTabs } from '@/shared/ui/CountTabs'
import { DataTable, type Column } from '@/shared/ui/DataTable'
import { FilterSelect } from '@/shared/ui/FilterSelect'
import { PageHeader } from '@/shared/ui/PageHeader'
import { RunNow } from '@/shared/ui/RunNow'
import { Empty } from '@/shared/ui/StateView'
import { CheckStateTag, StateTag } from '@/shared/ui/StateTag'
import { Elapsed } from '@/shared/ui/Elapsed'
import { ExemptionTag } from './components/ExemptionPanel'
import { CheckForm } from './components/CheckForm'
import { KeyValue } from './components/values'
import './inspect.css'
import { classCountsQuery, fetchChecks, keys, kindsQuery, type Count } from './queries'
import { useReasonText } from './words'

const filterKeys = ['q', 'class', 'state', 'kind', 'asset_id', 'reason', 'enabled', 'exemption'] as const
const states = ['CRITICAL', 'UNKNOWN', 'WARNING', 'OK'] as const

const countText = (count: Count | undefined) => count && count.total.toLocaleString('en-US') + (count.capped ? '+' : '')

export default function ChecksPage() {
  const { t } = useTranslation('inspect')
  const { title } = useLocalized()
  const navigate = useNavigate()
  const reasonText = useReasonText()
  const [search, change] = useFilters<'new' | 'class' | 'asset_id'>()
  const counts = useQuery(classCountsQuery).data
  const kinds = useQuery(kindsQuery).data ?? []
  const [total, setTotal] = useState('')

  const columns: Column<Check>[] = [
    {
      key: 'state',
      title: t('col.state'),
      width: 104,
      sort: 'state',
      render: (check) =>
        check.exemption === 'active' ? (
          <ExemptionTag check={check} />
        ) : check.enabled ? (
          <CheckStateTag state={check.current?.state} reason={check.current?.reason} />
        ) : (
          <StateTag tone="absent" text={t('check.disabled')} />
        ),
    },
    {
      key: 'check',
      title: t('col.check'),
      width: 240,
      ellipsis: true,
      render: (check) => (
        <Link to={`/inspect/checks/${check.id}` as string}>
          {title(check)}
          {check.target && <span className="mono check-target"> {check.target}</span>}
        </Link>
      ),
    },
    {
      key: 'value',
      title: t('col.value'),
      width: 140,
      render: (check) => <KeyValue perfdata={check.current?.perfdata} />,
    },
    {
      key: 'summary',
      title: t('col.summary'),
      width: 280,
      ellipsis: true,
      render: (check) => <span className="soft">{check.current?.summary || reasonText(check.current?.reason)}</span>,
    },
    {
      key: 'asset',
      title: t('col.asset'),
      width: 100,
      ellipsis: true,
      render: (check) => check.asset_name,
    },
    {
      key: 'since',
      title: t('col.since'),
      width: 96,
      render: (check) => <Elapsed since={check.current?.since} />,
    },
    {
      key: 'finding',
      title: t('nav.findings'),
      width: 64,
      render: (check) =>
        check.open_finding_id ? (
          <Link to={`/inspect/findings/${check.open_finding_id}` as string}>{t('finding.view')}</Link>
        ) : (
          <span className="muted">—</span>
        ),
    },
    {
      key: 'class',
      title: t('col.class'),
      width: 120,
      ellipsis: true,
      render: (check) => <span className="soft">{t(`parts:class.${check.class}`)}</span>,
    },
  ]
  // The tab says the class already.
  const shown = columns.filter((column) => column.key !== 'class' || !search.class)

  return (
    <>
      <PageHeader
        title={t('checks.title')}
        meta={total}
        actions={
          <>
            <Can perm="inspect.manage">
              <Button icon={<PlusOutlined />} onClick={() => change({ new: search.asset_id ?? 'any' })}>
                {t('check.add')}
              </Button>
            </Can>
            <RunNow primary keyboard />
          </>
        }
      />
      <DataTable<Check>
        queryKey={keys.checks}
        fetch={fetchChecks}
        columns={shown}
        rowKey={(check) => check.id}
        filterKeys={filterKeys}
        searchPlaceholder={t('checks.search')}
        exportPath="/inspect/checks/export"
        onTotal={setTotal}
        onOpen={(check) => void navigate({ to: `/inspect/checks/${check.id}` as string })}
        empty={<Empty text={t('checks.empty')} hint={t('checks.emptyHint')} />}
        head={
          <CountTabs
            name="class"
            label={t('col.class')}
            tabs={['' as const, ...checkClasses].map((value) => ({
              value,
              label: value ? t(`parts:class.${value}`) : t('tabs.all'),
              count: countText(counts?.get(value)?.all),
              alert: { count: counts?.get(value)?.bad ?? 0, label: t('tabs.bad') },
            }))}
          />
        }
        filters={
          <>
            <FilterSelect
              name="state"
              label={t('col.state')}
              multiple
              width={120}
              options={states.map((state) => ({ value: state, label: t(`check.${state}`) }))}
            />
            <FilterSelect
              name="kind"
              label={t('col.kind')}
              options={kinds
                .filter((kind) => !search.class || kind.class === search.class)
                .map((kind) => ({ value: kind.kind, label: title(kind) }))}
            />
            <AssetSelect
              label={t('col.asset')}
              allowClear
              value={search.asset_id}
              onChange={(id) => change({ asset_id: id })}
            />
            <FilterSelect
              name="reason"
              label={t('result.reason')}
              options={['threshold', 'no_source', 'timeout', 'denied'].map((reason) => ({
                value: reason,
                label: reasonText(reason),
              }))}
            />
            <FilterSelect
              name="enabled"
              label={t('check.enabled')}
              options={[
                { value: 'true', label: t('check.enabled') },
                { value: 'false', label: t('check.disabled') },
              ]}
            />
            <FilterSelect
              name="exemption"
              label={t('exemption.title')}
              options={(['none', 'proposed', 'active'] as const).map((value) => ({
                value,
                label: t(`exemption.filter.${value}`),
              }))}
            />
          </>
        }
      />
      <CheckForm
        open={search.new !== undefined}
        assetId={search.new === 'any' ? undefined : search.new}
        onClose={() => change({ new: undefined })}
        onSaved={(check) => void navigate({ to: `/inspect/checks/${check.id}` as string })}
      />
    </>
  )
}
