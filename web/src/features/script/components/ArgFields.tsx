import { Form, Input, InputNumber, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import type { Param } from '../types'

export type ArgValues = Record<string, string | number | null | undefined>

/** "name=value" for each parameter that has a value. */
export const argsOf = (params: Param[], values: ArgValues): string[] =>
  params
    .filter((p) => values[p.name] !== undefined && values[p.name] !== null && values[p.name] !== '')
    .map((p) => `${p.name}=${String(values[p.name])}`)

/** One field for each parameter of a script. */
export function ArgFields({ params, compact }: { params: Param[]; compact?: boolean }) {
  const { t } = useTranslation('script')
  return (
    <>
      {params
        .filter((p) => p?.name)
        .map((p) => {
          const label = p.title || p.name
          return (
            <Form.Item
              key={`${p.name} ${p.type}`}
              name={['values', p.name]}
              className={compact ? 'tight' : undefined}
              label={
                <span>
                  {label} <span className="meta mono">{p.name}</span>
                  {!p.required && <span className="meta"> · {t('param.optional')}</span>}
                </span>
              }
              rules={
                p.required && !p.default ? [{ required: true, message: t('form.required', { label }) }] : undefined
              }
            >
              {control(p)}
            </Form.Item>
          )
        })}
    </>
  )
}

function control(p: Param) {
  switch (p.type) {
    case 'int':
    case 'float':
      return (
        <InputNumber
          min={p.min}
          max={p.max}
          precision={p.type === 'int' ? 0 : undefined}
          placeholder={p.default}
          style={{ width: '100%' }}
        />
      )
    case 'bool':
      return <Select allowClear placeholder={p.default} options={[{ value: 'true' }, { value: 'false' }]} />
    case 'choice': {
      const choices = typeof p.choices === 'string' ? (p.choices as string).split(/[,，]\s*/) : (p.choices ?? [])
      return <Select allowClear placeholder={p.default} options={choices.map((value) => ({ value }))} />
    }
    default:
      return p.secret ? (
        <Input.Password autoComplete="new-password" />
      ) : (
        <Input autoComplete="off" placeholder={p.default} />
      )
  }
}
