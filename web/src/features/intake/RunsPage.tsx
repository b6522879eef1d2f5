import { ApiOutlined, FileTextOutlined, UploadOutlined } from '@ant-design/icons'
import { Link, useNavigate } from '@tanstack/react-router'
import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useFilters } from '@/shared/lib/search'
import { DataTable, type Column } from '@/shared/ui/DataTable'
import { FilterSelect } from '@/shared/ui/FilterSelect'
import { PageHeader } from '@/shared/ui/PageHeader'
import { Empty } from '@/shared/ui/StateView'
import { Ago } from '@/shared/ui/Time'
import { BringForm } from './components/BringForm'
import { UploadForm } from './components/UploadForm'
import { fetchRuns, keys, outcomes, type Run } from './queries'
import { RunState } from './words'

const filterKeys = ['state'] as const

/** The files that were brought in, and the way to bring another. */
export default function RunsPage() {
  const { t } = useTranslation('intake')
  const navigate = useNavigate()
  const [search, change] = useFilters<'new'>()
  const [total, setTotal] = useState('')
  const open = (run: Pick<Run, 'id'>) => void navigate({ to: `/intake/runs/${run.id}` as string })
  const columns: Column<Run>[] = [
    {
      key: 'state',
      title: t('col.state'),
      width: 100,
      render: (r) => <RunState state={r.state} />,
    },
    {
      key: 'number',
      title: t('col.number'),
      width: 140,
      render: (r) => <Link to={`/intake/runs/${r.id}` as string}>{r.number}</Link>,
    },
    {
      key: 'source',
      title: t('col.source'),
      width: 100,
      render: (r) => t(`source.${r.source}`),
    },
    {
      key: 'file',
      title: t('col.file'),
      width: 260,
      ellipsis: true,
      render: (r) => r.file_name || '—',
    },
    { key: 'rows', title: t('col.rows'), width: 80, align: 'right', render: (r) => r.rows },
    {
      key: 'counts',
      title: t('col.counts'),
      width: 260,
      render: (r) => <span className="soft">{countsText(r, t) || '—'}</span>,
    },
    {
      key: 'by',
      title: t('col.by'),
      width: 110,
      render: (r) => r.created_by_name || t('commandLine'),
    },
    {
      key: 'at',
      title: t('col.at'),
      width: 110,
      sort: 'created_at',
      render: (r) => <Ago value={r.created_at} />,
    },
  ]
  return (
    <>
      <PageHeader
        title={t('runs.title')}
        meta={total}
        actions={
          <>
            <Button icon={<FileTextOutlined />} onClick={() => change({ new: 'scripts' })}>
              {t('bring.scripts')}
            </Button>
            <Button icon={<ApiOutlined />} onClick={() => change({ new: 'zabbix' })}>
              {t('bring.zabbix')}
            </Button>
            <Button type="primary" icon={<UploadOutlined />} onClick={() => change({ new: 'assets' })}>
              {t('upload.button')}
            </Button>
          </>
        }
      />
      <DataTable<Run>
        queryKey={keys.runs}
        fetch={fetchRuns}
        columns={columns}
        rowKey={(r) => r.id}
        filterKeys={filterKeys}
        onTotal={setTotal}
        onOpen={open}
        filters={
          <FilterSelect
            name="state"
            label={t('col.state')}
            options={(['parsed', 'applied', 'undone', 'discarded'] as const).map((value) => ({
              value,
              label: t(`state.${value}`),
            }))}
          />
        }
        empty={<Empty text={t('runs.empty')} hint={t('runs.emptyHint')} />}
      />
      <UploadForm open={search.new === 'assets'} onClose={() => change({ new: undefined })} onUploaded={open} />
      <BringForm
        what={search.new === 'zabbix' || search.new === 'scripts' ? search.new : undefined}
        onClose={() => change({ new: undefined })}
        onRead={open}
      />
    </>
  )
}

function countsText(run: Run, t: (key: string) => string): string {
  return outcomes
    .filter((o) => run.counts[o])
    .map((o) => `${t(`outcome.${o}`)} ${run.counts[o]}`)
    .concat(
      (['added_check', 'added_script', 'added_plan'] as const)
        .filter((k) => run.counts[k])
        .map((k) => `${t(`part.${k.slice(6)}`)} ${run.counts[k]}`),
    )
    .join(' · ')
}
