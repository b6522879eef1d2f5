import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Form, Input, Select } from 'antd'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/shared/api/client'
import { checkClasses, type Check } from '@/shared/api/inspect'
import { useLocalized } from '@/shared/lib/localized'
import { AssetSelect } from '@/shared/ui/AssetSelect'
import { FormDrawer } from '@/shared/ui/FormDrawer'
import { changeCheck, createCheck, kindsQuery, module } from '../queries'
import type { Kind } from '../types'
import { ParamFields, paramsOf, type ParamValues } from './ParamFields'
import { rangesOf, ThresholdFields, type ThresholdValues } from './ThresholdFields'

interface Values {
  asset_id: string
  kind: string
  params?: ParamValues
  thresholds?: ThresholdValues
  reason?: string
}

interface Props {
  open: boolean
  /** Change this check; without it a new one is made. */
  check?: Check
  assetId?: string
  onClose: () => void
  onSaved: (check: Check) => void
}

/** Kinds that run what people bring: they are added where that is chosen. */
const programs = ['script.run', 'plugin.command']

/** A check's settings, as a form made from what its kind declares. */
export function CheckForm({ open, check, assetId, onClose, onSaved }: Props) {
  const { t } = useTranslation('inspect')
  const { title, help } = useLocalized()
  const client = useQueryClient()
  const kinds = useQuery({ ...kindsQuery, enabled: open }).data
  const [chosen, setChosen] = useState<string>()
  const kind = kinds?.find((k) => k.kind === (check?.kind ?? chosen))

  const options = useMemo(
    () =>
      checkClasses
        .map((c) => ({
          label: t(`parts:class.${c}`),
          options: (kinds ?? [])
            .filter((k) => k.class === c && !programs.includes(k.kind))
            .map((k) => ({ value: k.kind, label: title(k), search: `${k.title_zh} ${k.title_en} ${k.kind}` })),
        }))
        .filter((group) => group.options.length > 0),
    [kinds, t, title],
  )

  const submit = async (values: Values, idempotencyKey: string) => {
    if (!kind) return
    const { warn, crit } = rangesOf(kind, values.thresholds ?? {})
    const params = paramsOf(kind, values.params ?? {})
    try {
      const saved = check
        ? await changeCheck(check.id, {
            params,
            warn,
            crit,
            reason: (values.reason ?? '').trim(),
            version: check.version,
          })
        : await createCheck({ asset_id: values.asset_id, kind: kind.kind, params, warn, crit }, idempotencyKey)
      await client.invalidateQueries({ queryKey: [module] })
      onClose()
      onSaved(saved)
    } catch (error) {
      throw atThresholds(error)
    }
  }

  return (
    <FormDrawer<Values>
      open={open}
      width={560}
      title={check ? t('check.editTitle') : t('check.addTitle')}
      submitText={check ? undefined : t('check.add')}
      initialValues={{ asset_id: check?.asset_id ?? assetId, kind: check?.kind }}
      onSubmit={submit}
      onClose={() => {
        setChosen(undefined)
        onClose()
      }}
    >
      {!check && (
        <>
          <Form.Item
            name="asset_id"
            label={t('col.asset')}
            rules={[{ required: true, message: t('form.required', { label: t('col.asset') }) }]}
          >
            <AssetSelect label={t('col.asset')} width="100%" />
          </Form.Item>
          <Form.Item
            name="kind"
            label={t('col.kind')}
            extra={<Link to={'/inspect/scripts' as string}>{t('check.fromScript')}</Link>}
            rules={[{ required: true, message: t('form.required', { label: t('col.kind') }) }]}
          >
            <Select
              showSearch={{ optionFilterProp: 'search' }}
              options={options}
              placeholder={t('check.kindPlaceholder')}
              aria-label={t('col.kind')}
              onChange={setChosen}
            />
          </Form.Item>
        </>
      )}
      {kind && (
        <div key={kind.kind}>
          <KindHelp kind={kind} text={help(kind)} />
          <ParamFields kind={kind} values={check?.params} kept={check?.secrets_set} />
          <ThresholdFields kind={kind} warn={check?.warn} crit={check?.crit} />
        </div>
      )}
      {check && (
        <Form.Item
          name="reason"
          label={t('form.reason')}
          extra={t('form.reasonHelp')}
          rules={[
            {
              validator: (_, value: string | undefined) =>
                (value ?? '').trim().length >= 4
                  ? Promise.resolve()
                  : Promise.reject(new Error(t('form.reasonShort', { n: 4 }))),
            },
          ]}
        >
          <Input.TextArea rows={2} maxLength={500} />
        </Form.Item>
      )}
    </FormDrawer>
  )
}

/** What the kind looks at, and what to do when it is red. */
export function KindHelp({ kind, text, plain }: { kind: Kind; text: string; plain?: boolean }) {
  const { t } = useTranslation('inspect')
  return (
    <div className={`kind-help${plain ? ' kind-help-plain' : ''}`}>
      <p>{text}</p>
      <p className="meta">
        <span className="mono">{kind.kind}</span> · {t(`verified.${kind.verified}`)}
        {kind.verified_on && ` · ${kind.verified_on}`}
      </p>
    </div>
  )
}

/** The server names a bad range by its metric within the message; the form has a field for each. */
function atThresholds(error: unknown): unknown {
  if (!(error instanceof ApiError)) return error
  const errors = error.fieldErrors.map((fieldError) => {
    const side = /^body\.(warn|crit)$/.exec(fieldError.location ?? '')?.[1]
    const metric = /^thresholds\.(.+)\.(?:warn|crit):/.exec(fieldError.message)?.[1]
    return side && metric ? { ...fieldError, location: `body.thresholds.${metric}.${side}` } : fieldError
  })
  return new ApiError({ ...error.problem, errors }, error.status)
}
