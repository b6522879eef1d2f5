import { MinusCircleOutlined, PlusOutlined } from '@ant-design/icons'
import { useQueryClient } from '@tanstack/react-query'
import { Button, Form, Input, Segmented, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import {
  assetKinds,
  criticalities,
  environments,
  profileNames,
  reaches,
  type Asset,
  type ProfileName,
} from '@/shared/api/fleet'
import '../fleet.css'
import { useMe } from '@/shared/api/me'
import { useOrgNames } from '@/shared/api/org'
import { AssetSelect } from '@/shared/ui/AssetSelect'
import { FormDrawer } from '@/shared/ui/FormDrawer'
import { changeAsset, createAsset, module } from '../queries'

interface Values {
  kind: Asset['kind']
  name: string
  hostname?: string
  parent_id?: string
  area_path: string
  system_id?: string
  labels?: { key: string; value?: string }[]
  values?: Partial<Record<ProfileName, string>>
}

interface Props {
  open: boolean
  asset?: Asset
  onClose: () => void
  onSaved: (asset: Asset) => void
}

const labelKey = /^[a-z][a-z0-9_.-]{0,39}$/

export function AssetForm({ open, asset, onClose, onSaved }: Props) {
  const { t } = useTranslation('fleet')
  const me = useMe()
  const client = useQueryClient()
  const { areas, systems, areaName, systemName } = useOrgNames()
  const required = (label: string) => [{ required: true, message: t('form.required', { label }) }]
  return (
    <FormDrawer<Values>
      open={open}
      title={asset ? t('asset.editTitle') : t('asset.addTitle')}
      submitText={asset ? undefined : t('asset.add')}
      initialValues={{
        kind: asset?.kind ?? 'host',
        name: asset?.name,
        parent_id: asset?.parent_id || undefined,
        area_path: asset?.area_path ?? me?.installation.area_path,
        system_id: asset?.system_id || undefined,
        values: Object.fromEntries(profileNames.map((name) => [name, asset?.[name] || undefined])),
        labels: Object.entries(asset?.labels ?? {}).map(([key, value]) => ({ key, value })),
      }}
      onClose={onClose}
      onSubmit={async (values, key) => {
        const labels = Object.fromEntries((values.labels ?? []).map((l) => [l.key.trim(), (l.value ?? '').trim()]))
        const place = {
          name: values.name.trim(),
          area_path: values.area_path,
          system_id: values.system_id ?? '',
          labels,
        }
        const given = (name: ProfileName) => (values.values?.[name] ?? '').trim()
        const moved = asset?.kind === 'component' && values.parent_id && values.parent_id !== asset.parent_id
        const saved = asset
          ? await changeAsset(asset.id, {
              ...place,
              values: {
                ...onlyIfAny(
                  profileNames.filter((n) => given(n) !== asset[n] && !(n === 'reach' && asset.reach === 'local')),
                  given,
                ),
                ...(moved ? { parent_id: values.parent_id! } : undefined),
              },
              version: asset.version,
            })
          : await createAsset(
              {
                ...place,
                values: onlyIfAny(
                  profileNames.filter((n) => given(n) !== ''),
                  given,
                ),
                kind: values.kind,
                hostname: values.hostname?.trim() || undefined,
                parent_id: values.kind === 'component' ? values.parent_id : undefined,
              },
              key,
            )
        await client.invalidateQueries({ queryKey: [module] })
        onClose()
        onSaved(saved)
      }}
    >
      {(form) => (
        <>
          {!asset && (
            <Form.Item name="kind" label={t('asset.kind')}>
              <Segmented options={assetKinds.map((kind) => ({ value: kind, label: t(`kind.${kind}`) }))} />
            </Form.Item>
          )}
          <Form.Item name="name" label={t('asset.name')} rules={required(t('asset.name'))}>
            <Input maxLength={100} autoComplete="off" />
          </Form.Item>
          {asset?.kind === 'component' && (
            <Form.Item name="parent_id" label={t('asset.parent')} rules={required(t('asset.parent'))}>
              <AssetSelect label={t('asset.parent')} width="100%" />
            </Form.Item>
          )}
          {!asset && (
            <Form.Item noStyle shouldUpdate={(a: Values, b: Values) => a.kind !== b.kind}>
              {() =>
                form.getFieldValue('kind') === 'component' ? (
                  <Form.Item name="parent_id" label={t('asset.parent')} rules={required(t('asset.parent'))}>
                    <AssetSelect label={t('asset.parent')} width="100%" />
                  </Form.Item>
                ) : (
                  <Form.Item name="hostname" label={t('asset.hostname')}>
                    <Input maxLength={253} autoComplete="off" className="mono" />
                  </Form.Item>
                )
              }
            </Form.Item>
          )}
          <Form.Item name="area_path" label={t('asset.area')} rules={required(t('asset.area'))}>
            <Select
              showSearch={{ optionFilterProp: 'label' }}
              options={areas.map((area) => ({ value: area.path, label: areaName(area.path) }))}
            />
          </Form.Item>
          <Form.Item name="system_id" label={t('asset.system')} rules={required(t('asset.system'))}>
            <Select options={systems.map((system) => ({ value: system.id, label: systemName(system.id) }))} />
          </Form.Item>
          <Profile local={asset?.reach === 'local'} />
          <Labels />
        </>
      )}
    </FormDrawer>
  )
}

function onlyIfAny(names: ProfileName[], given: (name: ProfileName) => string) {
  return names.length > 0 ? Object.fromEntries(names.map((n) => [n, given(n)])) : undefined
}

function Profile({ local }: { local: boolean }) {
  const { t } = useTranslation('fleet')
  const text = (name: ProfileName, max = 200) => (
    <Form.Item name={['values', name]} label={t(`value.${name}`)}>
      <Input maxLength={max} autoComplete="off" />
    </Form.Item>
  )
  const words = (name: 'environment' | 'criticality' | 'reach', options: readonly string[], extra?: string) => (
    <Form.Item name={['values', name]} label={t(`value.${name}`)} extra={extra}>
      <Select allowClear options={options.map((value) => ({ value, label: t(`parts:${name}.${value}`) }))} />
    </Form.Item>
  )
  return (
    <>
      <div className="form-pair">
        {words('environment', environments)}
        {words('criticality', criticalities)}
        {text('address', 253)}
        {!local && words('reach', reaches)}
        {text('owner_name', 100)}
        {text('owner_phone', 60)}
        {text('os')}
        {text('location')}
        {text('vendor', 100)}
        {text('model')}
        {text('serial', 100)}
        <Form.Item name={['values', 'warranty_until']} label={t('value.warranty_until')}>
          <Input type="date" />
        </Form.Item>
      </div>
      <div className="meta" style={{ marginBottom: 16 }}>
        {t('form.reachHelp')}
      </div>
    </>
  )
}

function Labels() {
  const { t } = useTranslation('fleet')
  return (
    <Form.Item label={t('asset.labels')} extra={t('asset.labelsHelp')}>
      <Form.List name="labels">
        {(fields, { add, remove }) => (
          <div className="stack" style={{ gap: 8 }}>
            {fields.map(({ key, name }) => (
              <div key={key} className="row" style={{ alignItems: 'flex-start' }}>
                <Form.Item
                  name={[name, 'key']}
                  noStyle={false}
                  style={{ marginBottom: 0, flex: 1 }}
                  rules={[{ required: true, pattern: labelKey, message: t('asset.labelKeyBad') }]}
                >
                  <Input className="mono" placeholder={t('asset.labelKey')} aria-label={t('asset.labelKey')} />
                </Form.Item>
                <Form.Item name={[name, 'value']} style={{ marginBottom: 0, flex: 1 }}>
                  <Input maxLength={200} placeholder={t('asset.labelValue')} aria-label={t('asset.labelValue')} />
                </Form.Item>
                <Button
                  type="text"
                  icon={<MinusCircleOutlined />}
                  aria-label={t('asset.labelRemove')}
                  onClick={() => remove(name)}
                />
              </div>
            ))}
            <div>
              <Button
                size="small"
                icon={<PlusOutlined />}
                onClick={() => add({ key: '' })}
                disabled={fields.length >= 32}
              >
                {t('asset.labelAdd')}
              </Button>
            </div>
          </div>
        )}
      </Form.List>
    </Form.Item>
  )
}
