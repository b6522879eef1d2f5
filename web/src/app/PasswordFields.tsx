import { Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'

export interface PasswordValues {
  password: string
  totp?: string
}

/** Password, and the second factor when the account has one: the same question on the lock screen and before protected acts. */
export function PasswordFields({ withTotp, login }: { withTotp: boolean; login: string }) {
  const { t } = useTranslation()
  const required = (label: string) => [{ required: true, message: t('form.required', { label }) }]
  return (
    <>
      <input type="text" name="username" value={login} autoComplete="username" readOnly hidden />
      <Form.Item name="password" label={t('session.password')} rules={required(t('session.password'))}>
        <Input.Password autoFocus autoComplete="current-password" />
      </Form.Item>
      {withTotp && (
        <Form.Item
          name="totp"
          label={t('session.totp')}
          extra={t('session.totpHelp')}
          rules={required(t('session.totp'))}
          normalize={(value: string) => value.trim()}
        >
          <Input autoComplete="one-time-code" className="mono" />
        </Form.Item>
      )}
    </>
  )
}
