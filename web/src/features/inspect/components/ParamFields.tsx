import { Form, Input, InputNumber, Select, Switch } from 'antd'
import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { useLocalized } from '@/shared/lib/localized'
import { LoginSelect } from '@/shared/ui/LoginSelect'
import type { Kind, ParamSpec } from '../types'

export type ParamValues = Record<string, unknown>

/** What the server is given: empty fields left out, so that a default or a kept secret stays. */
export function paramsOf(kind: Kind, values: ParamValues): ParamValues {
  const params: ParamValues = {}
  for (const spec of kind.params) {
    const value = values[spec.name]
    if (value === undefined || value === null) continue
    if (typeof value === 'string' && value.trim() === '') continue
    if (spec.name === 'args' && Array.isArray(value)) {
      params[spec.name] = value.filter((line) => line !== '')
      continue
    }
    params[spec.name] = typeof value === 'string' && !spec.secret ? value.trim() : value
  }
  return params
}

/** One item a line, for lists whose items hold blanks and commas: arguments of programs. */
function Lines({ id, value, onChange }: { id?: string; value?: string[]; onChange?: (value: string[]) => void }) {
  return (
    <Input.TextArea
      id={id}
      className="mono"
      autoSize={{ minRows: 2, maxRows: 10 }}
      spellCheck={false}
      value={(value ?? []).join('\n')}
      onChange={(event) => onChange?.(event.target.value === '' ? [] : event.target.value.split('\n'))}
    />
  )
}

function control(
  spec: ParamSpec,
  secretPlaceholder: string | undefined,
  tagsPlaceholder: string,
  loginPlaceholder: string,
): ReactElement {
  switch (spec.type) {
    case 'int':
      return <InputNumber precision={0} style={{ width: '100%' }} />
    case 'float':
      return <InputNumber style={{ width: '100%' }} />
    case 'bool':
      return <Switch />
    case 'strings':
      if (spec.name === 'args') return <Lines />
      return (
        <Select
          mode="tags"
          open={false}
          suffixIcon={null}
          placeholder={tagsPlaceholder}
          tokenSeparators={[',', '，', ' ']}
        />
      )
    case 'string':
      if (spec.name === 'via') return <LoginSelect by="name" label={loginPlaceholder} />
      if (/(^|_)sql$/.test(spec.name))
        return <Input.TextArea className="mono" autoSize={{ minRows: 3, maxRows: 12 }} spellCheck={false} />
      return spec.secret ? (
        <Input.Password autoComplete="new-password" placeholder={secretPlaceholder} />
      ) : (
        <Input autoComplete="off" />
      )
  }
}

/** One field for each thing that a check of this kind can be told. Secrets are written, never shown. */
export function ParamFields({ kind, values, kept }: { kind: Kind; values?: ParamValues; kept?: string[] }) {
  const { t } = useTranslation('inspect')
  const { title } = useLocalized()
  return (
    <>
      {kind.params.map((spec) => {
        const label = title(spec) || spec.name
        const isKept = spec.secret && kept?.includes(spec.name) === true
        return (
          <Form.Item
            key={spec.name}
            name={['params', spec.name]}
            label={
              <span>
                {label} <span className="meta mono">{spec.name}</span>
                {!spec.required && <span className="meta"> · {t('param.optional')}</span>}
              </span>
            }
            initialValue={spec.secret ? undefined : (values?.[spec.name] ?? spec.default)}
            valuePropName={spec.type === 'bool' ? 'checked' : 'value'}
            extra={spec.secret ? t('param.secretHelp') : undefined}
            rules={
              spec.required && !isKept && spec.type !== 'bool'
                ? [{ required: true, message: t('form.required', { label }) }]
                : []
            }
          >
            {control(spec, isKept ? t('param.secretKept') : undefined, t('param.tags'), t('param.thisHost'))}
          </Form.Item>
        )
      })}
    </>
  )
}
