import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Checkbox, Form, Input, Segmented, Select, type FormInstance } from 'antd'
import { useDeferredValue } from 'react'
import { useTranslation } from 'react-i18next'
import { useMe } from '@/shared/api/me'
import { useOrgNames } from '@/shared/api/org'
import {
  checkClasses,
  periodKinds,
  type CheckClass,
  type PeriodKind,
  type Plan,
  type Timing,
} from '@/shared/api/inspect'
import { useLocalized } from '@/shared/lib/localized'
import { FormDrawer } from '@/shared/ui/FormDrawer'
import { changePlan, createPlan, kindsQuery, module, planPreviewQuery, type NewPlan } from '../queries'
import { Every } from './Every'
import { longestInterval, secondsOf, shortestInterval, splitInterval, type Length } from './lengths'
import { SlotList } from './SlotList'

interface Values {
  name: string
  rhythm: Timing['rhythm']
  every: Length
  times: string[]
  days: Timing['days']
  protection: Timing['protection']
  periods: PeriodKind[]
  dense: Length
  classes: CheckClass[]
  kinds: string[]
  asset_kinds: string[]
  labels: string[]
  area_path?: string
  system_id?: string
}

const assetKinds = ['host', 'component', 'network'] as const

interface Props {
  open: boolean
  plan?: Plan
  onClose: () => void
  onSaved: (plan: Plan) => void
}

/** "env=生产" is a label and its value; "env" alone any value of it. */
function readLabels(lines: string[] = []): Record<string, string> {
  return Object.fromEntries(
    lines.map((line): [string, string] => {
      const at = line.indexOf('=')
      return at < 0 ? [line.trim(), ''] : [line.slice(0, at).trim(), line.slice(at + 1).trim()]
    }),
  )
}

function bodyOf(values: Values): NewPlan {
  return {
    name: (values.name ?? '').trim(),
    interval_seconds: secondsOf(values.every),
    classes: values.classes ?? [],
    timing: {
      rhythm: values.rhythm,
      times: values.rhythm === 'times' ? [...(values.times ?? [])].sort() : [],
      days: values.days,
      protection: values.protection,
      periods: values.protection === 'ignore' ? [] : (values.periods ?? []),
      dense_seconds: values.protection === 'denser' ? secondsOf(values.dense) : 0,
    },
    selector: {
      kinds: values.kinds ?? [],
      asset_kinds: values.asset_kinds ?? [],
      labels: readLabels(values.labels),
    },
    area_path: values.area_path ?? '',
    system_id: values.system_id,
  }
}

/** What a plan walks and when, with its next slots as they come out. */
export function PlanForm({ open, plan, onClose, onSaved }: Props) {
  const { t } = useTranslation('inspect')
  const me = useMe()
  const client = useQueryClient()
  return (
    <FormDrawer<Values>
      open={open}
      width={620}
      title={plan ? t('plan.editTitle') : t('plan.addTitle')}
      submitText={plan ? undefined : t('plan.add')}
      initialValues={{
        name: plan?.name,
        rhythm: plan?.timing.rhythm ?? 'interval',
        every: splitInterval(plan?.interval_seconds ?? 300),
        times: plan?.timing.times ?? [],
        days: plan?.timing.days ?? 'every',
        protection: plan?.timing.protection ?? 'ignore',
        periods: plan?.timing.periods ?? [],
        dense: splitInterval(plan?.timing.dense_seconds || 600),
        classes: plan?.selector.classes ?? [...checkClasses],
        kinds: plan?.selector.kinds ?? [],
        asset_kinds: plan?.selector.asset_kinds ?? [],
        labels: Object.entries(plan?.selector.labels ?? {}).map(([key, value]) => (value ? `${key}=${value}` : key)),
        area_path: plan?.area_path ?? me?.installation.area_path,
        system_id: plan?.system_id || undefined,
      }}
      onClose={onClose}
      onSubmit={async (values, key) => {
        const body = bodyOf(values)
        const { area_path: _area, system_id: _system, ...change } = body
        const saved = plan
          ? await changePlan(plan.id, { ...change, version: plan.version })
          : await createPlan(body, key)
        await client.invalidateQueries({ queryKey: [module] })
        onClose()
        onSaved(saved)
      }}
    >
      {(form) => (
        <>
          <Form.Item
            name="name"
            label={t('plan.name')}
            rules={[{ required: true, whitespace: true, message: t('form.required', { label: t('plan.name') }) }]}
          >
            <Input maxLength={100} autoComplete="off" />
          </Form.Item>
          <When form={form} editing={plan !== undefined} />
          <What form={form} editing={plan !== undefined} />
          <h3 className="panel-title form-part">{t('timing.ahead')}</h3>
          <AheadOf form={form} plan={plan} />
        </>
      )}
    </FormDrawer>
  )
}

interface PartProps {
  form: FormInstance<Values>
  editing: boolean
}

function When({ form, editing }: PartProps) {
  const { t } = useTranslation('inspect')
  const rhythm = Form.useWatch('rhythm', form) ?? 'interval'
  const protection = Form.useWatch('protection', form) ?? 'ignore'
  const inRange = (least: number, most: () => number, text: string) => ({
    validator: (_: unknown, value: Length | undefined) => {
      const seconds = secondsOf(value)
      return seconds >= least && seconds <= most() ? Promise.resolve() : Promise.reject(new Error(text))
    },
  })
  return (
    <>
      <h3 className="panel-title form-part">{t('timing.when')}</h3>
      <Form.Item name="rhythm" label={t('timing.rhythm')} extra={editing ? t('timing.anew') : undefined}>
        <Segmented
          options={(['interval', 'times'] as const).map((value) => ({ value, label: t(`timing.rhythms.${value}`) }))}
        />
      </Form.Item>
      {/* An interval is kept while times of the day are chosen: going back finds it again. */}
      <Form.Item
        name="every"
        label={t('plan.interval')}
        hidden={rhythm !== 'interval'}
        rules={[inRange(shortestInterval, () => longestInterval, t('plan.intervalRange'))]}
      >
        <Every />
      </Form.Item>
      <Form.Item
        name="times"
        label={t('timing.times')}
        extra={t('timing.timesHelp')}
        hidden={rhythm !== 'times'}
        rules={[
          {
            validator: (_, times: string[] | undefined) =>
              rhythm !== 'times' ||
              ((times ?? []).length > 0 && times!.every((time) => /^([01]\d|2[0-3]):[0-5]\d$/.test(time)))
                ? Promise.resolve()
                : Promise.reject(new Error(t('timing.timesBad'))),
          },
        ]}
      >
        <Select
          mode="tags"
          open={false}
          suffixIcon={null}
          tokenSeparators={[',', ' ', '，', '、']}
          placeholder="08:20"
        />
      </Form.Item>
      <Form.Item name="days" label={t('timing.days')}>
        <Segmented
          options={(['every', 'workdays'] as const).map((value) => ({ value, label: t(`timing.dayChoice.${value}`) }))}
        />
      </Form.Item>
      <Form.Item name="protection" label={t('timing.protection')} extra={t(`timing.protectionHelp.${protection}`)}>
        <Segmented
          options={(['ignore', 'only', 'denser'] as const).map((value) => ({
            value,
            label: t(`timing.protections.${value}`),
          }))}
        />
      </Form.Item>
      {protection !== 'ignore' && (
        <Form.Item name="periods" label={t('timing.periods')} extra={t('timing.periodsHelp')}>
          <Select
            mode="multiple"
            placeholder={t('timing.anyPeriod')}
            options={periodKinds.map((kind) => ({ value: kind, label: t(`periodKind.${kind}`) }))}
          />
        </Form.Item>
      )}
      {protection === 'denser' && (
        <Form.Item
          name="dense"
          label={t('timing.dense')}
          dependencies={['every', 'rhythm']}
          rules={[
            inRange(
              shortestInterval,
              () => (rhythm === 'times' ? longestInterval : secondsOf(form.getFieldValue('every') as Length)),
              t('timing.denseRange'),
            ),
          ]}
        >
          <Every />
        </Form.Item>
      )}
    </>
  )
}

function What({ form, editing }: PartProps) {
  const { t } = useTranslation('inspect')
  const { title } = useLocalized()
  const { areas, systems, areaName, systemName } = useOrgNames()
  const kinds = useQuery(kindsQuery).data ?? []
  const classes = Form.useWatch('classes', form) ?? []
  return (
    <>
      <h3 className="panel-title form-part">{t('timing.what')}</h3>
      <Form.Item
        name="classes"
        label={t('plan.classes')}
        dependencies={['kinds']}
        rules={[
          {
            validator: (_, chosen: CheckClass[] | undefined) =>
              (chosen ?? []).length + ((form.getFieldValue('kinds') as string[]) ?? []).length > 0
                ? Promise.resolve()
                : Promise.reject(new Error(t('form.required', { label: t('plan.classes') }))),
          },
        ]}
      >
        <Checkbox.Group
          className="class-boxes"
          options={checkClasses.map((c) => ({ value: c, label: t(`parts:class.${c}`) }))}
        />
      </Form.Item>
      <Form.Item name="kinds" label={t('timing.kinds')} extra={t('timing.kindsHelp')}>
        <Select
          mode="multiple"
          showSearch={{ optionFilterProp: 'label' }}
          options={kinds
            .filter((kind) => !classes.includes(kind.class))
            .map((kind) => ({ value: kind.kind, label: title(kind) }))}
        />
      </Form.Item>
      {!editing && (
        <>
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
          <Form.Item name="system_id" label={t('col.system')}>
            <Select
              allowClear
              placeholder={t('timing.anySystem')}
              options={systems.map((system) => ({ value: system.id, label: systemName(system.id) }))}
            />
          </Form.Item>
        </>
      )}
      <Form.Item name="asset_kinds" label={t('timing.assetKinds')}>
        <Select
          mode="multiple"
          placeholder={t('timing.anyAsset')}
          options={assetKinds.map((kind) => ({ value: kind, label: t(`assetKind.${kind}`) }))}
        />
      </Form.Item>
      <Form.Item
        name="labels"
        label={t('timing.labels')}
        extra={t('timing.labelsHelp')}
        rules={[
          {
            validator: (_, lines: string[] | undefined) =>
              (lines ?? []).every((line) => /^[^=\s][^=]*(=.*)?$/.test(line.trim()))
                ? Promise.resolve()
                : Promise.reject(new Error(t('timing.labelsBad'))),
          },
        ]}
      >
        <Select mode="tags" open={false} suffixIcon={null} placeholder="env=prod" />
      </Form.Item>
    </>
  )
}

/** The next slots by what the form says now. */
function AheadOf({ form, plan }: { form: FormInstance<Values>; plan?: Plan }) {
  const values = Form.useWatch((all: Values) => all, { form, preserve: true })
  const text = useDeferredValue(values ? JSON.stringify({ ...bodyOf(values), name: plan?.name || 'x' }) : '')
  const body = text ? (JSON.parse(text) as NewPlan) : undefined
  const ready =
    body !== undefined &&
    body.interval_seconds >= shortestInterval &&
    body.classes.length + body.selector.kinds.length > 0 &&
    (body.timing.rhythm === 'interval' || body.timing.times.length > 0)
  const preview = useQuery(
    planPreviewQuery(
      {
        ...(body as NewPlan),
        area_path: body?.area_path || plan?.area_path || '',
        system_id: body?.system_id || plan?.system_id || undefined,
      },
      ready,
    ),
  )
  return preview.data ? <SlotList ahead={preview.data} /> : null
}
