import { useQueryClient } from '@tanstack/react-query'
import { Checkbox, Form, Input, InputNumber, Select, Space } from 'antd'
import { useTranslation } from 'react-i18next'
import { useMe } from '@/shared/api/me'
import { useOrgNames } from '@/shared/api/org'
import { checkClasses, type CheckClass, type Plan } from '@/shared/api/inspect'
import { FormDrawer } from '@/shared/ui/FormDrawer'
import { changePlan, createPlan, module } from '../queries'

interface Values {
  name: string
  every: { count: number; unit: Unit }
  classes: CheckClass[]
  area_path?: string
}

const unitSeconds = { second: 1, minute: 60, hour: 3600, day: 86_400 } as const
type Unit = keyof typeof unitSeconds

/** 7200 is 2 hours, 90 is 90 seconds. */
export function splitInterval(seconds: number): { count: number; unit: Unit } {
  const unit = (['day', 'hour', 'minute'] as const).find((u) => seconds % unitSeconds[u] === 0) ?? 'second'
  return { count: seconds / unitSeconds[unit], unit }
}

const shortest = 30
const longest = 31 * 86_400

interface Props {
  open: boolean
  plan?: Plan
  onClose: () => void
  onSaved: (plan: Plan) => void
}

export function PlanForm({ open, plan, onClose, onSaved }: Props) {
  const { t } = useTranslation('inspect')
  const me = useMe()
  const { areas, areaName } = useOrgNames()
  const client = useQueryClient()
  return (
    <FormDrawer<Values>
      open={open}
      title={plan ? t('plan.editTitle') : t('plan.addTitle')}
      submitText={plan ? undefined : t('plan.add')}
      initialValues={{
        name: plan?.name,
        every: splitInterval(plan?.interval_seconds ?? 300),
        classes: plan?.selector.classes ?? [...checkClasses],
        area_path: plan?.area_path ?? me?.installation.area_path,
      }}
      onClose={onClose}
      onSubmit={async (values, key) => {
        const body = {
          name: values.name.trim(),
          interval_seconds: values.every.count * unitSeconds[values.every.unit],
          classes: values.classes,
        }
        const saved = plan
          ? await changePlan(plan.id, { ...body, version: plan.version })
          : await createPlan({ ...body, area_path: values.area_path ?? '' }, key)
        await client.invalidateQueries({ queryKey: [module] })
        onClose()
        onSaved(saved)
      }}
    >
      <Form.Item
        name="name"
        label={t('plan.name')}
        rules={[{ required: true, whitespace: true, message: t('form.required', { label: t('plan.name') }) }]}
      >
        <Input maxLength={100} autoComplete="off" />
      </Form.Item>
      <Form.Item
        name="every"
        label={t('plan.interval')}
        extra={plan ? t('plan.intervalHelp') : undefined}
        rules={[
          {
            validator: (_, every: Values['every']) => {
              const seconds = (every?.count ?? 0) * unitSeconds[every?.unit ?? 'second']
              return seconds >= shortest && seconds <= longest
                ? Promise.resolve()
                : Promise.reject(new Error(t('plan.intervalRange')))
            },
          },
        ]}
      >
        <Every />
      </Form.Item>
      <Form.Item
        name="classes"
        label={t('plan.classes')}
        rules={[{ required: true, message: t('form.required', { label: t('plan.classes') }) }]}
      >
        <Checkbox.Group
          className="class-boxes"
          options={checkClasses.map((c) => ({ value: c, label: t(`parts:class.${c}`) }))}
        />
      </Form.Item>
      {!plan && (
        <Form.Item
          name="area_path"
          label={t('col.area')}
          rules={[{ required: true, message: t('form.required', { label: t('col.area') }) }]}
        >
          <Select
            showSearch={{ optionFilterProp: 'label' }}
            options={areas.map((area) => ({ value: area.path, label: areaName(area.path) }))}
          />
        </Form.Item>
      )}
    </FormDrawer>
  )
}

interface EveryProps {
  id?: string
  value?: { count: number; unit: Unit }
  onChange?: (value: { count: number; unit: Unit }) => void
}

/** A length of time as a number and its unit. */
function Every({ id, value = { count: 5, unit: 'minute' }, onChange }: EveryProps) {
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
