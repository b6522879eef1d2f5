import { useQueryClient } from '@tanstack/react-query'
import { App, Form, Input, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { criticalities, environments } from '@/shared/api/fleet'
import { FormDrawer } from '@/shared/ui/FormDrawer'
import '../fleet.css'
import { changeMany, module } from '../queries'

interface Values {
  environment?: string
  criticality?: string
  owner_name?: string
  owner_phone?: string
  location?: string
  label_key?: string
  label_value?: string
  drop_label?: string
}

const labelKey = /^[a-z][a-z0-9_.-]{0,39}$/

interface Props {
  open: boolean
  ids: string[]
  onClose: () => void
  onDone: () => void
}

/** One change of many assets: what is left empty stays as it is. */
export function BulkForm({ open, ids, onClose, onDone }: Props) {
  const { t } = useTranslation('fleet')
  const { message } = App.useApp()
  const client = useQueryClient()
  const keyRule = [{ pattern: labelKey, message: t('asset.labelKeyBad') }]
  const words = (name: 'environment' | 'criticality', options: readonly string[]) => (
    <Form.Item name={name} label={t(`value.${name}`)}>
      <Select
        allowClear
        placeholder={t('bulk.keep')}
        options={options.map((value) => ({ value, label: t(`parts:${name}.${value}`) }))}
      />
    </Form.Item>
  )
  const text = (name: 'owner_name' | 'owner_phone' | 'location', max: number) => (
    <Form.Item name={name} label={t(`value.${name}`)}>
      <Input maxLength={max} autoComplete="off" placeholder={t('bulk.keep')} />
    </Form.Item>
  )
  return (
    <FormDrawer<Values>
      open={open}
      title={t('assets.bulkTitle', { n: ids.length })}
      onClose={onClose}
      onSubmit={async (values) => {
        const given = Object.fromEntries(
          (['environment', 'criticality', 'owner_name', 'owner_phone', 'location'] as const)
            .map((name) => [name, values[name]?.trim()] as const)
            .filter((pair): pair is [(typeof pair)[0], string] => Boolean(pair[1])),
        )
        const done = await changeMany({
          ids,
          values: given,
          set_labels: values.label_key ? { [values.label_key]: (values.label_value ?? '').trim() } : undefined,
          drop_labels: values.drop_label ? [values.drop_label] : undefined,
        })
        await client.invalidateQueries({ queryKey: [module] })
        void message.success(t('assets.bulkDone', { n: done.changed }))
        onDone()
      }}
    >
      <p className="soft">{t('assets.bulkHelp')}</p>
      <div className="form-pair">
        {words('environment', environments)}
        {words('criticality', criticalities)}
        {text('owner_name', 100)}
        {text('owner_phone', 60)}
      </div>
      {text('location', 200)}
      <div className="form-pair">
        <Form.Item name="label_key" label={t('bulk.setLabel')} rules={keyRule}>
          <Input className="mono" placeholder={t('asset.labelKey')} />
        </Form.Item>
        <Form.Item name="label_value" label={t('asset.labelValue')}>
          <Input maxLength={200} />
        </Form.Item>
      </div>
      <Form.Item name="drop_label" label={t('bulk.dropLabel')} rules={keyRule}>
        <Input className="mono" placeholder={t('asset.labelKey')} />
      </Form.Item>
    </FormDrawer>
  )
}
