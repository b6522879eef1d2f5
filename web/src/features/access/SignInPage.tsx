import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Button, Form, Input } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { isApiError } from '@/shared/api/client'
import { meKey } from '@/shared/api/me'
import { setupQuery, signIn, type Credentials } from '@/shared/api/session'
import { useErrorText } from '@/shared/lib/errors'
import { safeNext } from '@/shared/lib/next'
import { Notice } from '@/shared/ui/Notice'
import { PublicFrame } from './components/PublicFrame'

/** Sign-in: the second factor is asked for only when the server says the account has one. */
export default function SignInPage() {
  const { t } = useTranslation('access')
  const { next } = useSearch({ from: '/sign-in' })
  const navigate = useNavigate()
  const client = useQueryClient()
  const errorText = useErrorText()
  const [form] = Form.useForm<Credentials>()
  const [step, setStep] = useState<'password' | 'totp'>('password')
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string>()
  const setup = useQuery(setupQuery).data
  const required = (label: string) => [{ required: true, message: t('form.required', { label }) }]

  const submit = async () => {
    const { login, password, totp } = form.getFieldsValue(true) as Credentials
    setBusy(true)
    setFailure(undefined)
    try {
      const me = await signIn({ login: login.trim(), password, totp: totp || undefined })
      client.clear()
      client.setQueryData(meKey, me)
      await navigate({ href: safeNext(next), replace: true })
    } catch (error) {
      if (isApiError(error, 'totp_required')) {
        setStep('totp')
        return
      }
      if (isApiError(error, 'totp_invalid')) form.setFieldValue('totp', '')
      if (isApiError(error, 'bad_credentials')) setStep('password')
      setFailure(errorText(error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <PublicFrame title={t('signIn.title')} lead={step === 'totp' ? t('signIn.totpLead') : t('signIn.lead')}>
      <Form form={form} layout="vertical" requiredMark={false} onFinish={() => void submit()}>
        {setup?.needed && (
          <div style={{ marginBottom: 16 }}>
            <Notice tone="warning">
              {t('signIn.setupNeeded')} <Link to="/setup">{t('signIn.setupLink')}</Link>
            </Notice>
          </div>
        )}
        {failure && (
          <div style={{ marginBottom: 16 }}>
            <Notice tone="critical">{failure}</Notice>
          </div>
        )}
        {step === 'password' ? (
          <>
            <Form.Item name="login" label={t('signIn.login')} rules={required(t('signIn.login'))}>
              <Input autoFocus autoComplete="username" spellCheck={false} />
            </Form.Item>
            <Form.Item name="password" label={t('signIn.password')} rules={required(t('signIn.password'))}>
              <Input.Password autoComplete="current-password" />
            </Form.Item>
          </>
        ) : (
          <Form.Item
            name="totp"
            label={t('session.totp')}
            extra={t('session.totpHelp')}
            rules={required(t('session.totp'))}
            normalize={(value: string) => value.trim()}
          >
            <Input autoFocus autoComplete="one-time-code" className="mono" />
          </Form.Item>
        )}
        <Button type="primary" htmlType="submit" block loading={busy}>
          {t('signIn.submit')}
        </Button>
        {step === 'totp' && (
          <Button
            type="link"
            block
            style={{ marginTop: 8 }}
            onClick={() => {
              form.resetFields()
              setFailure(undefined)
              setStep('password')
            }}
          >
            {t('signIn.other')}
          </Button>
        )}
      </Form>
      <p className="meta" style={{ marginTop: 20 }}>
        {t('signIn.help')}
      </p>
    </PublicFrame>
  )
}
