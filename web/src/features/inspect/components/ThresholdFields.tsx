import { Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'
import { useLocalized } from '@/shared/lib/localized'
import { parseRange, rangeWords, showValue } from '@/shared/lib/measure'
import type { Kind, ThresholdSpec } from '../types'
import { useMetricName } from '../words'

export type ThresholdValues = Record<string, { warn?: string; crit?: string }>
type Ranges = Record<string, string>

/** The ranges that differ from those of the kind; "" says that the metric never alerts. */
export function rangesOf(kind: Kind, values: ThresholdValues): { warn: Ranges; crit: Ranges } {
  const warn: Ranges = {}
  const crit: Ranges = {}
  for (const spec of kind.thresholds) {
    const given = values[spec.metric]
    if (!given) continue
    const w = (given.warn ?? '').trim()
    const c = (given.crit ?? '').trim()
    if (w !== spec.warn) warn[spec.metric] = w
    if (c !== spec.crit) crit[spec.metric] = c
  }
  return { warn, crit }
}

/** Ranges by metric, in the plug-in convention, each said in words below its field. */
export function ThresholdFields({ kind, warn, crit }: { kind: Kind; warn?: Ranges; crit?: Ranges }) {
  const { t } = useTranslation('inspect')
  const metricName = useMetricName()
  if (kind.thresholds.length === 0) return null
  return (
    <fieldset className="thresholds">
      <legend>{t('threshold.title')}</legend>
      <p className="meta">{t('threshold.help')}</p>
      {kind.thresholds.map((spec) => (
        <div key={spec.metric} className="threshold-row">
          <div className="threshold-metric" title={spec.metric}>
            {metricName(spec.metric)}
            {spec.unit && <span className="meta"> {spec.unit}</span>}
          </div>
          <RangeField spec={spec} side="warn" value={warn?.[spec.metric] ?? spec.warn} />
          <RangeField spec={spec} side="crit" value={crit?.[spec.metric] ?? spec.crit} />
        </div>
      ))}
    </fieldset>
  )
}

function RangeField({ spec, side, value }: { spec: ThresholdSpec; side: 'warn' | 'crit'; value: string }) {
  const { t } = useTranslation('inspect')
  const { english } = useLocalized()
  const name = ['thresholds', spec.metric, side]
  const now = Form.useWatch<string | undefined>(name) ?? value
  const show = (n: number) => showValue(n, spec.unit, english)
  const words = now.trim() === '' ? t('threshold.never') : rangeWords(now.trim(), show)
  return (
    <Form.Item
      name={name}
      label={t(`value.${side}`)}
      initialValue={value}
      style={{ marginBottom: 0 }}
      extra={
        <span>
          {words}
          {now.trim() !== spec[side] && ` · ${t('threshold.standard', { range: spec[side] || '—' })}`}
        </span>
      }
      rules={[
        {
          validator: (_, text: string | undefined) =>
            !text?.trim() || parseRange(text.trim())
              ? Promise.resolve()
              : Promise.reject(new Error(t('threshold.bad'))),
        },
      ]}
    >
      <Input className="mono" autoComplete="off" />
    </Form.Item>
  )
}
