import { ApartmentOutlined, EditOutlined, MoreOutlined, PlusOutlined } from '@ant-design/icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { App, Button, Dropdown, Tag } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { assetQuery, profileNames, type Asset } from '@/shared/api/fleet'
import { checkClasses, type Check } from '@/shared/api/inspect'
import { useOrgNames } from '@/shared/api/org'
import { useLocalized } from '@/shared/lib/localized'
import { showValue } from '@/shared/lib/measure'
import { Can, usePerm } from '@/shared/lib/perm'
import { DataTable, type Column } from '@/shared/ui/DataTable'
import { FilterSelect } from '@/shared/ui/FilterSelect'
import { PageHeader } from '@/shared/ui/PageHeader'
import { ReasonModal } from '@/shared/ui/ReasonModal'
import { CheckStateTag, StateTag } from '@/shared/ui/StateTag'
import { Empty, StateView } from '@/shared/ui/StateView'
import { Elapsed } from '@/shared/ui/Elapsed'
import { Time } from '@/shared/ui/Time'
import '@/shared/ui/detail.css'
import { AssetForm } from './components/AssetForm'
import { HistoryPanel } from './components/HistoryPanel'
import { fetchChecks, keys, module, retireAsset } from './queries'

/** One asset: what it is, where it belongs, and what its checks say. */
export default function AssetPage() {
  const { id } = useParams({ strict: false }) as { id: string }
  const query = useQuery(assetQuery(id))
  return <StateView query={query}>{(asset) => <AssetView key={asset.id} asset={asset} />}</StateView>
}

function AssetView({ asset }: { asset: Asset }) {
  const { t } = useTranslation('fleet')
  const { message } = App.useApp()
  const client = useQueryClient()
  const navigate = useNavigate()
  const mayInspect = usePerm()('inspect.read')
  const [editing, setEditing] = useState(false)
  const [retiring, setRetiring] = useState(false)
  const active = asset.state === 'active'
  return (
    <>
      <PageHeader
        title={asset.name}
        above={
          <>
            {active ? (
              <CheckStateTag state={asset.worst_state || null} />
            ) : (
              <StateTag tone="absent" text={t('state.retired')} />
            )}
            <span className="mono soft">{asset.number}</span>
            <StateTag tone="neutral" dot={false} text={t(`kind.${asset.kind}`)} />
          </>
        }
        actions={
          active && (
            <>
              <Button
                icon={<ApartmentOutlined />}
                onClick={() => void navigate({ to: '/fleet/map' as string, search: { asset_id: asset.id } as never })}
              >
                {t('map.open')}
              </Button>
              <Can perm="inspect.manage">
                <Button
                  icon={<PlusOutlined />}
                  onClick={() =>
                    void navigate({
                      to: '/inspect/checks' as string,
                      search: { new: asset.id, asset_id: asset.id } as never,
                    })
                  }
                >
                  {t('asset.addCheck')}
                </Button>
              </Can>
              <Can perm="fleet.manage">
                <Button icon={<EditOutlined />} onClick={() => setEditing(true)}>
                  {t('actions.edit')}
                </Button>
                <Dropdown
                  trigger={['click']}
                  menu={{
                    items: [
                      { key: 'retire', danger: true, label: t('asset.retire'), onClick: () => setRetiring(true) },
                    ],
                  }}
                >
                  <Button icon={<MoreOutlined />} aria-label={t('actions.more')} />
                </Dropdown>
              </Can>
            </>
          )
        }
      />
      <div className="split">
        <div className="stack">
          {mayInspect ? <Checks assetId={asset.id} /> : <Empty text={t('asset.checksHidden')} />}
          <HistoryPanel asset={asset} />
        </div>
        <Facts asset={asset} />
      </div>
      <AssetForm
        open={editing}
        asset={asset}
        onClose={() => setEditing(false)}
        onSaved={() => void message.success(t('asset.saved'))}
      />
      <ReasonModal
        open={retiring}
        title={t('asset.retireTitle', { name: asset.name })}
        body={t('asset.retireBody')}
        okText={t('asset.retire')}
        danger
        confirmWord={asset.number}
        onOk={async (reason) => {
          await retireAsset(asset.id, { reason, version: asset.version })
          void message.success(t('asset.retired'))
          await client.invalidateQueries({ queryKey: [module] })
        }}
        onClose={() => setRetiring(false)}
      />
    </>
  )
}

function Checks({ assetId }: { assetId: string }) {
  const { t } = useTranslation('fleet')
  const { title } = useLocalized()
  const navigate = useNavigate()
  const [fixed] = useState({ asset_id: assetId })
  const columns: Column<Check>[] = [
    {
      key: 'state',
      title: t('check.state'),
      width: 96,
      sort: 'state',
      render: (c) =>
        c.exemption === 'active' ? (
          <StateTag tone="absent" text={t('check.notApplicable')} />
        ) : c.enabled ? (
          <CheckStateTag state={c.current?.state} reason={c.current?.reason} />
        ) : (
          <StateTag tone="absent" text={t('check.disabled')} />
        ),
    },
    {
      key: 'check',
      title: t('check.check'),
      width: 220,
      ellipsis: true,
      render: (c) => (
        <Link to={`/inspect/checks/${c.id}` as string}>
          {title(c)}
          {c.target && <span className="mono muted break"> {c.target}</span>}
        </Link>
      ),
    },
    {
      key: 'summary',
      title: t('check.summary'),
      width: 280,
      ellipsis: true,
      render: (c) => <span className="soft">{c.current?.summary ?? '—'}</span>,
    },
    {
      key: 'class',
      title: t('check.class'),
      width: 120,
      ellipsis: true,
      render: (c) => <span className="soft">{t(`parts:class.${c.class}`)}</span>,
    },
    {
      key: 'since',
      title: t('check.since'),
      width: 100,
      render: (c) => <Elapsed since={c.current?.since} />,
    },
  ]
  return (
    <DataTable<Check>
      queryKey={keys.checksOf(assetId)}
      fetch={fetchChecks}
      columns={columns}
      rowKey={(c) => c.id}
      fixed={fixed}
      filterKeys={['class', 'state']}
      exportPath="/inspect/checks/export"
      onOpen={(c) => void navigate({ to: `/inspect/checks/${c.id}` as string })}
      empty={<Empty text={t('asset.noChecks')} />}
      filters={
        <>
          <h2 className="panel-title bar-title">{t('asset.checks')}</h2>
          <FilterSelect
            name="class"
            label={t('check.class')}
            options={checkClasses.map((value) => ({ value, label: t(`parts:class.${value}`) }))}
          />
          <FilterSelect
            name="state"
            label={t('check.state')}
            multiple
            width={150}
            options={(['CRITICAL', 'UNKNOWN', 'WARNING', 'OK'] as const).map((value) => ({
              value,
              label: t(`common:check.${value}`),
            }))}
          />
        </>
      }
    />
  )
}

function Facts({ asset }: { asset: Asset }) {
  const { t } = useTranslation('fleet')
  const { areaName, systemName } = useOrgNames()
  const { facts } = asset
  const parent = useQuery({ ...assetQuery(asset.parent_id), enabled: asset.parent_id !== '' }).data
  const rows: [string, React.ReactNode][] = [
    [t('fact.os'), facts.os],
    [t('fact.kernel'), facts.kernel && <span className="mono">{facts.kernel}</span>],
    [t('fact.arch'), facts.arch && <span className="mono">{facts.arch}</span>],
    [t('fact.cpus'), facts.cpus || ''],
    [t('fact.memory'), facts.memory_bytes ? showValue(facts.memory_bytes, 'B') : ''],
    [t('fact.machine'), facts.machine && <span className="mono">{facts.machine}</span>],
    [t('fact.agent'), facts.agent && t(`agent.${facts.agent}`, { defaultValue: facts.agent })],
  ]
  return (
    <aside className="stack">
      <section className="panel panel-body stack">
        <h2 className="panel-title">{t('asset.place')}</h2>
        <dl className="facts-narrow">
          <div>
            <dt>{t('asset.area')}</dt>
            <dd>{areaName(asset.area_path)}</dd>
          </div>
          <div>
            <dt>{t('asset.system')}</dt>
            <dd>{systemName(asset.system_id) || '—'}</dd>
          </div>
          {asset.hostname && (
            <div>
              <dt>{t('asset.hostname')}</dt>
              <dd className="mono">{asset.hostname}</dd>
            </div>
          )}
          {parent && (
            <div>
              <dt>{t('asset.parent')}</dt>
              <dd>
                <Link to={`/fleet/assets/${parent.id}` as string}>{parent.name}</Link>
              </dd>
            </div>
          )}
          {profileNames
            .filter((name) => asset[name])
            .map((name) => (
              <div key={name}>
                <dt>{t(`value.${name}`)}</dt>
                <dd>
                  {name === 'environment' || name === 'criticality' || name === 'reach'
                    ? t(`parts:${name}.${asset[name]}`)
                    : asset[name]}
                </dd>
              </div>
            ))}
          <div>
            <dt>{t('asset.labels')}</dt>
            <dd>
              {Object.keys(asset.labels).length === 0 ? (
                <span className="muted">—</span>
              ) : (
                Object.entries(asset.labels).map(([key, value]) => (
                  <Tag key={key} style={{ marginBottom: 4 }}>
                    {value ? `${key}=${value}` : key}
                  </Tag>
                ))
              )}
            </dd>
          </div>
          <div>
            <dt>{t('asset.updated')}</dt>
            <dd>
              <Time value={asset.updated_at} format="full" />
            </dd>
          </div>
        </dl>
        <Can perm="journal.read">
          <Link to={'/journal' as string} search={{ subject_kind: 'fleet.asset', subject_id: asset.id } as never}>
            {t('asset.trail')}
          </Link>
        </Can>
      </section>
      {rows.some(([, value]) => value) && (
        <section className="panel panel-body stack">
          <h2 className="panel-title">{t('fact.title')}</h2>
          <dl className="facts-narrow">
            {rows
              .filter(([, value]) => value)
              .map(([label, value]) => (
                <div key={label}>
                  <dt>{label}</dt>
                  <dd>{value}</dd>
                </div>
              ))}
          </dl>
        </section>
      )}
    </aside>
  )
}
