import { Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'
import { longEnough, strengthOf } from '../password'

export interface NewPasswordValues {
  password: string
  again: string
}

/** A new password, twice, with advice on its strength. Expects the form's fields `password` and `again`. */
export function NewPassword({ login, label }: { login: string; label?: string }) {
  const { t } = useTranslation('access')
  return (
    <>
      <Form.Item
        name="password"
        label={label ?? t('password.new')}
        extra={<PasswordStrength login={login} />}
        rules={[
          { required: true, message: t('form.required', { label: label ?? t('password.new') }) },
          {
            validator: (_, value: string | undefined) =>
              !value || longEnough(value) ? Promise.resolve() : Promise.reject(new Error(t('strength.length'))),
          },
        ]}
      >
        <Input.Password autoComplete="new-password" />
      </Form.Item>
      <Form.Item
        name="again"
        label={t('password.again')}
        dependencies={['password']}
        rules={[
          ({ getFieldValue }) => ({
            validator: (_, value: string | undefined) =>
              value === getFieldValue('password')
                ? Promise.resolve()
                : Promise.reject(new Error(t('password.different'))),
          }),
        ]}
      >
        <Input.Password autoComplete="new-password" />
      </Form.Item>
    </>
  )
}

function PasswordStrength({ login }: { login: string }) {
  const { t } = useTranslation('access')
  const form = Form.useFormInstance()
  const password = (Form.useWatch('password', form) as string | undefined) ?? ''
  const { score, hint } = strengthOf(password, login)
  const text = password === '' || score === 0 ? t('strength.rule') : t(`strength.s${score}`)
  return (
    <span className={`strength strength-${password ? score : 0}`} aria-live="polite">
      <span className="strength-bars" aria-hidden="true">
        {[1, 2, 3, 4].map((n) => (
          <span key={n} className={password && n <= score ? 'on' : ''} />
        ))}
      </span>
      <span>
        {text}
        {score > 0 && hint ? ` · ${t(`strength.${hint}`)}` : ''}
      </span>
    </span>
  )
}
