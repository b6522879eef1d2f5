import { ImportOutlined, PlusOutlined } from '@ant-design/icons'
import { Link, useNavigate } from '@tanstack/react-router'
import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { assetKinds, criticalities, environments, reaches, type Asset } from '@/shared/api/fleet'
import { useOrgNames } from '@/shared/api/org'
import { Can, usePerm } from '@/shared/lib/perm'
import { DataTable, type Column } from '@/shared/ui/DataTable'
import { FilterSelect } from '@/shared/ui/FilterSelect'
import { PageHeader } from '@/shared/ui/PageHeader'
import { CheckStateTag, StateTag } from '@/shared/ui/StateTag'
import { Empty } from '@/shared/ui/StateView'
import { Ago } from '@/shared/ui/Time'
import { AssetForm } from './components/AssetForm'
import { AssetTree } from './components/AssetTree'
import { BulkForm } from './components/BulkForm'
import './fleet.css'
import { fetchAssets, keys } from './queries'

const filterKeys = ['q', 'kind', 'area_path', 'system_id', 'environment', 'criticality', 'reach', 'state'] as const

export default function AssetsPage() {
  const { t } = useTranslation('fleet')
  const navigate = useNavigate()
  const { areas, systems, areaName, systemName } = useOrgNames()
  const mayManage = usePerm()('fleet.manage')
  const [adding, setAdding] = useState(false)
  const [selected, setSelected] = useState<string[]>([])
  const [changing, setChanging] = useState(false)
  const [total, setTotal] = useState('')
  const open = (asset: Asset) => void navigate({ to: `/fleet/assets/${asset.id}` as string })

  const columns: Column<Asset>[] = [
    {
      key: 'worst',
      title: t('asset.worst'),
      width: 100,
      render: (a) =>
        a.state === 'retired' ? (
          <StateTag tone="absent" text={t('state.retired')} />
        ) : (
          <CheckStateTag state={a.worst_state || null} />
        ),
    },
    {
      key: 'number',
      title: t('asset.number'),
      width: 136,
      render: (a) => <span className="mono soft nowrap">{a.number}</span>,
    },
    {
      key: 'name',
      title: t('asset.name'),
      width: 190,
      render: (a) => <Link to={`/fleet/assets/${a.id}` as string}>{a.name}</Link>,
    },
    {
      key: 'kind',
      title: t('asset.kind'),
      width: 80,
      render: (a) => t(`kind.${a.kind}`),
    },
    {
      key: 'hostname',
      title: t('asset.hostname'),
      width: 150,
      ellipsis: true,
      render: (a) => <span className="mono soft">{a.hostname || '—'}</span>,
    },
    {
      key: 'address',
      title: t('value.address'),
      width: 130,
      ellipsis: true,
      render: (a) => <span className="mono soft">{a.address || '—'}</span>,
    },
    {
      key: 'os',
      title: t('fact.os'),
      width: 180,
      ellipsis: true,
      render: (a) => <span className="soft">{a.facts.os || a.os || '—'}</span>,
    },
    {
      key: 'environment',
      title: t('value.environment'),
      width: 80,
      render: (a) => (a.environment ? t(`parts:environment.${a.environment}`) : '—'),
    },
    {
      key: 'owner',
      title: t('value.owner_name'),
      width: 100,
      ellipsis: true,
      render: (a) => a.owner_name || '—',
    },
    {
      key: 'system',
      title: t('asset.system'),
      width: 150,
      ellipsis: true,
      render: (a) => systemName(a.system_id),
    },
    {
      key: 'area',
      title: t('asset.area'),
      width: 110,
      ellipsis: true,
      render: (a) => areaName(a.area_path),
    },
    {
      key: 'updated',
      title: t('asset.updated'),
      width: 110,
      render: (a) => <Ago value={a.updated_at} />,
    },
  ]

  return (
    <>
      <PageHeader
        title={t('assets.title')}
        meta={total}
        actions={
          <Can perm="fleet.manage">
            <Button
              icon={<ImportOutlined />}
              onClick={() => void navigate({ to: '/intake/runs' as string, search: { new: 'assets' } as never })}
            >
              {t('assets.import')}
            </Button>
            <Button type="primary" icon={<PlusOutlined />} onClick={() => setAdding(true)}>
              {t('asset.add')}
            </Button>
          </Can>
        }
      />
      <div className="register">
        <AssetTree />
        <DataTable<Asset>
          queryKey={keys.assets}
          fetch={fetchAssets}
          columns={columns}
          rowKey={(a) => a.id}
          filterKeys={filterKeys}
          searchPlaceholder={t('assets.search')}
          exportPath="/fleet/assets/export"
          onTotal={setTotal}
          onOpen={open}
          selected={selected}
          onSelect={mayManage ? setSelected : undefined}
          tools={
            selected.length > 0 && (
              <>
                <span className="meta">{t('assets.selected', { n: selected.length })}</span>
                <Button onClick={() => setChanging(true)}>{t('assets.bulk')}</Button>
                <Button type="text" onClick={() => setSelected([])}>
                  {t('assets.clear')}
                </Button>
              </>
            )
          }
          empty={<Empty text={t('assets.empty')} hint={t('assets.emptyHint')} />}
          filters={
            <>
              <FilterSelect
                name="kind"
                label={t('asset.kind')}
                options={assetKinds.map((value) => ({ value, label: t(`kind.${value}`) }))}
              />
              <FilterSelect
                name="system_id"
                label={t('asset.system')}
                options={systems.map((system) => ({ value: system.id, label: systemName(system.id) }))}
              />
              <FilterSelect
                name="area_path"
                label={t('asset.area')}
                options={areas.map((area) => ({ value: area.path, label: areaName(area.path) }))}
              />
              <FilterSelect
                name="environment"
                label={t('value.environment')}
                options={environments.map((value) => ({ value, label: t(`parts:environment.${value}`) }))}
              />
              <FilterSelect
                name="criticality"
                label={t('value.criticality')}
                options={criticalities.map((value) => ({ value, label: t(`parts:criticality.${value}`) }))}
              />
              <FilterSelect
                name="reach"
                label={t('value.reach')}
                options={(['local', ...reaches] as const).map((value) => ({ value, label: t(`parts:reach.${value}`) }))}
              />
              <FilterSelect
                name="state"
                label={t('asset.state')}
                options={(['active', 'retired'] as const).map((value) => ({ value, label: t(`state.${value}`) }))}
              />
            </>
          }
        />
      </div>
      <BulkForm
        open={changing}
        ids={selected}
        onClose={() => setChanging(false)}
        onDone={() => {
          setChanging(false)
          setSelected([])
        }}
      />
      <AssetForm open={adding} onClose={() => setAdding(false)} onSaved={open} />
    </>
  )
}
