import { PlusOutlined } from '@ant-design/icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { App, Button, Form, Popconfirm, Select } from 'antd'
import { lazy, Suspense, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { assetQuery } from '@/shared/api/fleet'
import { useOrgNames } from '@/shared/api/org'
import { useAction } from '@/shared/lib/action'
import { Can } from '@/shared/lib/perm'
import { useFilters } from '@/shared/lib/search'
import { AssetSelect } from '@/shared/ui/AssetSelect'
import { FormDrawer } from '@/shared/ui/FormDrawer'
import { LocalTable } from '@/shared/ui/LocalTable'
import { Notice } from '@/shared/ui/Notice'
import { PageHeader } from '@/shared/ui/PageHeader'
import { Empty, Loading, StateView } from '@/shared/ui/StateView'
import { edgesOf, type Joined } from './mapEdges'
import { addLink, mapQuery, module, removeLink } from './queries'

const MapPicture = lazy(() => import('./components/MapPicture'))

/** What depends on what: as a picture, and as a list that says the same and can be changed. */
export default function MapPage() {
  const { t } = useTranslation('fleet')
  const { systems, systemName } = useOrgNames()
  const [search, change] = useFilters<'asset_id' | 'system_id' | 'depth'>()
  const [adding, setAdding] = useState(false)
  const { data: asset } = useQuery({ ...assetQuery(search.asset_id ?? ''), enabled: Boolean(search.asset_id) })
  const query = useQuery(
    mapQuery({
      asset_id: search.asset_id,
      system_id: search.asset_id ? undefined : search.system_id,
      depth: search.depth,
    }),
  )
  const chosen = search.asset_id || search.system_id
  return (
    <>
      <PageHeader
        title={asset ? t('map.title', { name: asset.name }) : t('map.systemTitle')}
        actions={
          <>
            <AssetSelect
              label={t('map.from')}
              value={search.asset_id}
              allowClear
              onChange={(id) => change({ asset_id: id })}
            />
            {search.asset_id ? (
              <Select<string>
                style={{ width: 120 }}
                aria-label={t('map.depth', { n: '' })}
                value={search.depth ?? '2'}
                options={['1', '2', '3', '4'].map((n) => ({ value: n, label: t('map.depth', { n }) }))}
                onChange={(depth) => change({ depth })}
              />
            ) : (
              <Select<string>
                allowClear
                style={{ width: 200 }}
                placeholder={t('map.choose')}
                aria-label={t('map.choose')}
                value={search.system_id}
                options={systems.map((s) => ({ value: s.id, label: systemName(s.id) }))}
                onChange={(id: string | undefined) => change({ system_id: id })}
              />
            )}
            <Can perm="fleet.manage">
              <Button icon={<PlusOutlined />} onClick={() => setAdding(true)}>
                {t('map.add')}
              </Button>
            </Can>
          </>
        }
      />
      {!chosen ? (
        <div className="panel">
          <Empty text={t('map.choose')} />
        </div>
      ) : (
        <StateView query={query}>
          {(map) => (
            <div className="stack">
              {map.capped && <Notice tone="warning">{t('map.capped')}</Notice>}
              <section className="panel no-print" aria-label={t('map.picture')}>
                <Suspense fallback={<Loading />}>
                  <MapPicture map={map} here={search.asset_id} />
                </Suspense>
              </section>
              <Links edges={edgesOf(map)} />
            </div>
          )}
        </StateView>
      )}
      <AddLink open={adding} fromId={search.asset_id} onClose={() => setAdding(false)} />
    </>
  )
}

function Links({ edges }: { edges: Joined[] }) {
  const { t } = useTranslation('fleet')
  const remove = useAction((id: string) => removeLink(id), { module, success: t('map.removed') })
  const name = (a: Joined['from']) => (
    <>
      <Link to={`/fleet/assets/${a.id}` as string}>{a.name}</Link> <span className="mono meta">{a.number}</span>
    </>
  )
  if (edges.length === 0) return <Empty text={t('map.none')} />
  return (
    <section className="panel" aria-label={t('map.table')}>
      <LocalTable<Joined>
        label={t('map.table')}
        rows={edges}
        rowKey={(e) => e.key}
        keyboard
        columns={[
          { key: 'from', title: t('map.from'), width: 280, render: (e) => name(e.from) },
          { key: 'kind', title: t('map.kind'), width: 130, render: (e) => t(`map.${e.kind}`) },
          { key: 'to', title: t('map.to'), width: 280, render: (e) => name(e.to) },
          {
            key: 'act',
            title: '',
            width: 90,
            render: (e) =>
              e.linkId && (
                <Can perm="fleet.manage">
                  <Popconfirm title={t('map.removeTitle')} onConfirm={() => remove.mutate(e.linkId!)}>
                    <Button size="small" type="text" danger>
                      {t('map.remove')}
                    </Button>
                  </Popconfirm>
                </Can>
              ),
          },
        ]}
      />
    </section>
  )
}

interface Values {
  from_id: string
  kind: string
  to_id: string
}

function AddLink({ open, fromId, onClose }: { open: boolean; fromId?: string; onClose: () => void }) {
  const { t } = useTranslation('fleet')
  const { message } = App.useApp()
  const client = useQueryClient()
  const required = [{ required: true, message: t('form.required', { label: '' }) }]
  return (
    <FormDrawer<Values>
      open={open}
      title={t('map.add')}
      submitText={t('map.add')}
      initialValues={{ from_id: fromId, kind: 'depends_on' }}
      onClose={onClose}
      onSubmit={async (values) => {
        await addLink(values)
        await client.invalidateQueries({ queryKey: [module] })
        void message.success(t('map.added'))
        onClose()
      }}
    >
      <Form.Item name="from_id" label={t('map.from')} rules={required}>
        <AssetSelect label={t('map.from')} width="100%" />
      </Form.Item>
      <Form.Item name="kind" label={t('map.kind')}>
        <Select
          options={(['depends_on', 'replicates_to', 'backed_up_to', 'connects_to'] as const).map((value) => ({
            value,
            label: t(`map.${value}`),
          }))}
        />
      </Form.Item>
      <Form.Item name="to_id" label={t('map.to')} rules={required}>
        <AssetSelect label={t('map.to')} width="100%" />
      </Form.Item>
    </FormDrawer>
  )
}
