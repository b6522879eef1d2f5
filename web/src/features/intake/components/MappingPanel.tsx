import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Button, Input, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useOrgNames } from '@/shared/api/org'
import { useErrorText } from '@/shared/lib/errors'
import { useLocalized } from '@/shared/lib/localized'
import { LocalTable } from '@/shared/ui/LocalTable'
import { Notice } from '@/shared/ui/Notice'
import { configure, fieldsQuery, module, type Defaults, type RunDetail } from '../queries'

const label = 'label:'
const labelKey = /^[a-z][a-z0-9_.-]{0,39}$/

interface Props {
  run: RunDetail
  onSaved: (run: RunDetail) => void
}

/** Second step: which column is which value, and what rows are that do not say it. */
export function MappingPanel({ run, onSaved }: Props) {
  const { t } = useTranslation('intake')
  const { title } = useLocalized()
  const client = useQueryClient()
  const errorText = useErrorText()
  const { areas, systems, areaName, systemName } = useOrgNames()
  const fields = useQuery(fieldsQuery).data ?? []
  const [mapping, setMapping] = useState(run.columns.map((c) => c.field))
  const [defaults, setDefaults] = useState<Defaults>(run.defaults)
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string>()
  const set = (index: number, field: string) => setMapping(mapping.map((f, i) => (i === index ? field : f)))
  const badLabel = mapping.some((f) => f.startsWith(label) && !labelKey.test(f.slice(label.length)))
  const save = async () => {
    setBusy(true)
    setFailure(undefined)
    try {
      const saved = await configure(run.id, { mapping, defaults, version: run.version })
      await client.invalidateQueries({ queryKey: [module] })
      onSaved(saved)
    } catch (error) {
      setFailure(errorText(error))
    } finally {
      setBusy(false)
    }
  }
  const rows = run.columns.map((column, index) => ({ ...column, index }))
  type Row = (typeof rows)[number]
  const options = [
    { value: '', label: t('mapping.ignore') },
    ...fields.map((f) => ({ value: f.name, label: title(f), disabled: mapping.includes(f.name) })),
    { value: label, label: t('mapping.label') },
  ]
  return (
    <section className="panel" aria-label={t('mapping.title')}>
      <div className="panel-body stack">
        <h2 className="panel-title">{t('mapping.title')}</h2>
        {run.remembered && <Notice tone="ok">{t('mapping.remembered')}</Notice>}
        <div className="meta">
          {t('mapping.found', {
            sheet: run.sheet || run.encoding.toUpperCase(),
            line: run.header_line,
            rows: run.rows,
          })}
        </div>
      </div>
      <LocalTable<Row>
        label={t('mapping.title')}
        rows={rows}
        rowKey={(r) => r.column}
        columns={[
          {
            key: 'column',
            title: t('mapping.column'),
            width: 60,
            render: (r) => <span className="mono">{r.column}</span>,
          },
          { key: 'title', title: t('mapping.header'), width: 180, render: (r) => r.title || '—' },
          {
            key: 'samples',
            title: t('mapping.samples'),
            width: 300,
            ellipsis: true,
            render: (r) => <span className="soft">{r.samples.join(' / ') || '—'}</span>,
          },
          {
            key: 'field',
            title: t('mapping.field'),
            width: 330,
            render: (r) => {
              const field = mapping[r.index] ?? ''
              const isLabel = field.startsWith(label)
              return (
                <div className="row">
                  <Select<string>
                    style={{ width: 170 }}
                    aria-label={`${t('mapping.field')} ${r.title}`}
                    showSearch={{ optionFilterProp: 'label' }}
                    value={isLabel ? label : field}
                    options={options}
                    onChange={(next) => set(r.index, next)}
                  />
                  {isLabel && (
                    <Input
                      className="mono"
                      style={{ width: 130 }}
                      aria-label={`${t('mapping.labelKey')} ${r.title}`}
                      placeholder={t('mapping.labelKey')}
                      status={labelKey.test(field.slice(label.length)) ? undefined : 'error'}
                      value={field.slice(label.length)}
                      onChange={(event) => set(r.index, label + event.target.value)}
                    />
                  )}
                </div>
              )
            },
          },
        ]}
      />
      <div className="panel-body stack">
        <h3 className="panel-title">{t('defaults.title')}</h3>
        <div className="row" style={{ flexWrap: 'wrap', gap: 12 }}>
          <Select<string>
            style={{ width: 180 }}
            aria-label={t('defaults.area')}
            showSearch={{ optionFilterProp: 'label' }}
            value={defaults.area_path}
            options={areas.map((area) => ({ value: area.path, label: areaName(area.path) }))}
            onChange={(area_path) => setDefaults({ ...defaults, area_path })}
          />
          <Select<string>
            style={{ width: 220 }}
            aria-label={t('defaults.system')}
            allowClear
            placeholder={t('defaults.system')}
            value={defaults.system_id || undefined}
            options={systems.map((s) => ({ value: s.id, label: systemName(s.id) }))}
            onChange={(system_id: string | undefined) => setDefaults({ ...defaults, system_id: system_id ?? '' })}
          />
          <Select<string>
            style={{ width: 130 }}
            aria-label={t('defaults.kind')}
            value={defaults.kind}
            options={(['host', 'network', 'component'] as const).map((k) => ({
              value: k,
              label: t(`parts:assetKind.${k}`),
            }))}
            onChange={(kind) => setDefaults({ ...defaults, kind })}
          />
          <Select<string>
            style={{ width: 140 }}
            aria-label={t('defaults.environment')}
            allowClear
            placeholder={t('defaults.environment')}
            value={defaults.environment || undefined}
            options={(['production', 'disaster_recovery', 'staging', 'test', 'development'] as const).map((e) => ({
              value: e,
              label: t(`parts:environment.${e}`),
            }))}
            onChange={(environment: string | undefined) => setDefaults({ ...defaults, environment: environment ?? '' })}
          />
        </div>
        {failure && <Notice tone="critical">{failure}</Notice>}
        <div>
          <Button type="primary" loading={busy} disabled={badLabel} onClick={() => void save()}>
            {t('mapping.preview')}
          </Button>
        </div>
      </div>
    </section>
  )
}
