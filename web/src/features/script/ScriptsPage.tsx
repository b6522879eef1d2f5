import { ApiOutlined, PlusOutlined } from '@ant-design/icons'
import { Link, useNavigate } from '@tanstack/react-router'
import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { checkClasses } from '@/shared/api/inspect'
import { Can } from '@/shared/lib/perm'
import { useFilters } from '@/shared/lib/search'
import { DataTable, type Column } from '@/shared/ui/DataTable'
import { FilterSelect } from '@/shared/ui/FilterSelect'
import { PageHeader } from '@/shared/ui/PageHeader'
import { StateTag } from '@/shared/ui/StateTag'
import { Empty } from '@/shared/ui/StateView'
import { Ago } from '@/shared/ui/Time'
import { PluginCheck } from './components/PluginCheck'
import { fetchScripts, keys } from './queries'
import './script.css'
import type { Script } from './types'

/** The scripts that people brought, and the way to bring one or to use a plug-in. */
export default function ScriptsPage() {
  const { t } = useTranslation('script')
  const navigate = useNavigate()
  const [total, setTotal] = useState('')
  const [search, change] = useFilters<'plugin'>()
  const actions = (
    <Can perm="inspect.manage">
      <Button icon={<ApiOutlined />} onClick={() => change({ plugin: '1' })}>
        {t('plugin.add')}
      </Button>
      <Button
        type="primary"
        icon={<PlusOutlined />}
        onClick={() => void navigate({ to: '/inspect/scripts/new' as string })}
      >
        {t('scripts.bring')}
      </Button>
    </Can>
  )
  const columns: Column<Script>[] = [
    {
      key: 'title',
      title: t('col.script'),
      width: 260,
      sort: 'name',
      render: (s) => (
        <>
          <Link to={`/inspect/scripts/${s.id}` as string}>{s.title}</Link> <span className="meta mono">{s.name}</span>
        </>
      ),
    },
    {
      key: 'class',
      title: t('col.class'),
      width: 140,
      render: (s) => <span className="soft">{t(`parts:class.${s.class}`)}</span>,
    },
    {
      key: 'current',
      title: t('col.current'),
      width: 130,
      render: (s) =>
        s.current ? <span className="mono">v{s.current}</span> : <StateTag tone="absent" text={t('state.none')} />,
    },
    {
      key: 'draft',
      title: t('col.draft'),
      width: 110,
      render: (s) =>
        s.draft_id ? (
          <StateTag tone="info" text={t('state.draftOf', { n: s.latest })} />
        ) : (
          <span className="muted">—</span>
        ),
    },
    {
      key: 'updated',
      title: t('col.updated'),
      width: 130,
      sort: 'updated_at',
      render: (s) => <Ago value={s.updated_at} />,
    },
  ]
  return (
    <>
      <PageHeader title={t('scripts.title')} meta={total} actions={actions} />
      <DataTable<Script>
        queryKey={keys.scripts}
        fetch={fetchScripts}
        columns={columns}
        rowKey={(s) => s.id}
        filterKeys={['q', 'class']}
        exportPath="/inspect/scripts/export"
        searchPlaceholder={t('scripts.search')}
        onTotal={setTotal}
        onOpen={(s) => void navigate({ to: `/inspect/scripts/${s.id}` as string })}
        empty={<Empty text={t('scripts.empty')} hint={t('scripts.emptyHint')} action={actions} />}
        filters={
          <FilterSelect
            name="class"
            label={t('col.class')}
            options={checkClasses.map((c) => ({ value: c, label: t(`parts:class.${c}`) }))}
          />
        }
      />
      <PluginCheck open={search.plugin === '1'} onClose={() => change({ plugin: undefined })} />
    </>
  )
}
