import { InputNumber, Select, Space } from 'antd'
import { useTranslation } from 'react-i18next'
import { unitSeconds, type Length, type Unit } from './lengths'

interface Props {
  id?: string
  value?: Length
  onChange?: (value: Length) => void
}

/** A length of time as a number and its unit. */
export function Every({ id, value = { count: 5, unit: 'minute' }, onChange }: Props) {
  const { t } = useTranslation('inspect')
  return (
    <Space.Compact>
      <InputNumber
        id={id}
        min={1}
        precision={0}
        value={value.count}
        onChange={(count) => onChange?.({ ...value, count: count ?? 0 })}
      />
      <Select<Unit>
        style={{ width: 110 }}
        aria-label={t('plan.unit')}
        value={value.unit}
        onChange={(unit) => onChange?.({ ...value, unit })}
        options={(Object.keys(unitSeconds) as Unit[]).map((unit) => ({ value: unit, label: t(`unit.${unit}`) }))}
      />
    </Space.Compact>
  )
}
