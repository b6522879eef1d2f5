import { useQueryClient } from '@tanstack/react-query'
import { App, Checkbox, DatePicker, Form, Input, Select } from 'antd'
import type { Dayjs } from 'dayjs'
import { useTranslation } from 'react-i18next'
import { wallToIso } from '@/shared/lib/time'
import { FormDrawer } from '@/shared/ui/FormDrawer'
import { addPeriod, module, periodKinds, type PeriodKind } from '../queries'

interface Values {
  kind: PeriodKind
  name?: string
  span: [Dayjs, Dayjs]
  source: string
  version: string
  provisional?: boolean
}

/** Adds one period (保障期). */
export function PeriodForm({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation('calendar')
  const { message } = App.useApp()
  const client = useQueryClient()
  const required = (label: string) => [{ required: true, message: t('form.required', { label }) }]
  return (
    <FormDrawer<Values>
      open={open}
      title={t('period.addTitle')}
      submitText={t('period.add')}
      initialValues={{ kind: 'event', version: '1' }}
      onClose={onClose}
      onSubmit={async (values, key) => {
        await addPeriod(
          {
            kind: values.kind,
            name: values.name?.trim() || undefined,
            from: wallToIso(values.span[0].second(0)),
            to: wallToIso(values.span[1].second(0)),
            source: values.source.trim(),
            version: values.version.trim(),
            provisional: values.provisional,
          },
          key,
        )
        await client.invalidateQueries({ queryKey: [module] })
        onClose()
        void message.success(t('period.added'))
      }}
    >
      <Form.Item name="kind" label={t('period.kind')}>
        <Select options={periodKinds.map((kind) => ({ value: kind, label: t(`periodKind.${kind}`) }))} />
      </Form.Item>
      <Form.Item name="name" label={t('period.name')} extra={t('period.nameHelp')}>
        <Input maxLength={60} autoComplete="off" />
      </Form.Item>
      <Form.Item name="span" label={t('period.span')} extra={t('period.spanHelp')} rules={required(t('period.span'))}>
        <DatePicker.RangePicker showTime={{ format: 'HH:mm' }} format="YYYY-MM-DD HH:mm" style={{ width: '100%' }} />
      </Form.Item>
      <Form.Item
        name="source"
        label={t('period.source')}
        extra={t('period.sourceHelp')}
        rules={required(t('period.source'))}
      >
        <Input maxLength={200} autoComplete="off" />
      </Form.Item>
      <Form.Item name="version" label={t('import.version')} rules={required(t('import.version'))}>
        <Input maxLength={200} autoComplete="off" />
      </Form.Item>
      <Form.Item name="provisional" valuePropName="checked">
        <Checkbox>{t('import.provisional')}</Checkbox>
      </Form.Item>
    </FormDrawer>
  )
}
