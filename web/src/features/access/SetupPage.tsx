import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { Button, Form, Input } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { isApiError } from '@/shared/api/client'
import { meKey } from '@/shared/api/me'
import { setupQuery } from '@/shared/api/session'
import { useErrorText, useFieldErrorText } from '@/shared/lib/errors'
import { showFieldErrors } from '@/shared/lib/formErrors'
import { Notice } from '@/shared/ui/Notice'
import { Failure, Loading } from '@/shared/ui/StateView'
import { NewPassword, type NewPasswordValues } from './components/NewPassword'
import { PublicFrame } from './components/PublicFrame'
import { useLinkToken } from './linkToken'
import { setUp } from './queries'

interface Values extends NewPasswordValues {
  login: string
  display_name: string
}

/** First run: whoever holds the link printed on the server makes the first account. */
export default function SetupPage() {
  const { t } = useTranslation('access')
  const token = useLinkToken()
  const setup = useQuery(setupQuery)

  if (setup.isPending || setup.isError || !setup.data.needed || !token) {
    return (
      <PublicFrame title={t('setup.title')}>
        {setup.isPending ? (
          <Loading rows={3} />
        ) : setup.isError ? (
          <Failure error={setup.error} retry={() => void setup.refetch()} />
        ) : !setup.data.needed ? (
          <div className="stack" style={{ marginTop: 12 }}>
            <p className="soft">{t('setup.done')}</p>
            <Link to="/sign-in">{t('setup.toSignIn')}</Link>
          </div>
        ) : (
          <div className="stack" style={{ marginTop: 12 }}>
            <p className="soft">{t('setup.noToken')}</p>
            <code className="copy-text-value">http://127.0.0.1:8480/setup#token=…</code>
            <p className="meta">{t('setup.noTokenHelp')}</p>
          </div>
        )}
      </PublicFrame>
    )
  }
  return (
    <PublicFrame title={t('setup.title')} lead={t('setup.lead')} aside={<SetupNotes />}>
      <SetupForm token={token} />
    </PublicFrame>
  )
}

function SetupForm({ token }: { token: string }) {
  const { t } = useTranslation('access')
  const navigate = useNavigate()
  const client = useQueryClient()
  const errorText = useErrorText()
  const fieldText = useFieldErrorText()
  const [form] = Form.useForm<Values>()
  const login = Form.useWatch('login', form) ?? ''
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string>()
  const required = (label: string) => [{ required: true, whitespace: true, message: t('form.required', { label }) }]

  const submit = async (values: Values) => {
    setBusy(true)
    setFailure(undefined)
    try {
      const me = await setUp({
        token,
        login: values.login.trim(),
        display_name: values.display_name.trim(),
        password: values.password,
      })
      client.clear()
      client.setQueryData(meKey, me)
      await navigate({ to: '/', replace: true })
    } catch (error) {
      if (!showFieldErrors(form, error, fieldText)) {
        setFailure(isApiError(error, 'forbidden') ? t('setup.loopbackOnly') : errorText(error))
      }
    } finally {
      setBusy(false)
    }
  }

  return (
    <Form form={form} layout="vertical" requiredMark={false} onFinish={(values) => void submit(values)}>
      {failure && (
        <div style={{ marginBottom: 16 }}>
          <Notice tone="critical">{failure}</Notice>
        </div>
      )}
      <Form.Item name="display_name" label={t('account.displayName')} rules={required(t('account.displayName'))}>
        <Input autoFocus autoComplete="name" maxLength={40} />
      </Form.Item>
      <Form.Item
        name="login"
        label={t('signIn.login')}
        extra={t('account.loginHelp')}
        rules={required(t('signIn.login'))}
      >
        <Input autoComplete="username" spellCheck={false} maxLength={64} />
      </Form.Item>
      <NewPassword login={login} />
      <Button type="primary" htmlType="submit" block loading={busy}>
        {t('setup.submit')}
      </Button>
    </Form>
  )
}

function SetupNotes() {
  const { t } = useTranslation('access')
  return (
    <>
      {(['trial', 'roles', 'production'] as const).map((note) => (
        <section key={note}>
          <h2>{t(`setup.notes.${note}.title`)}</h2>
          <p>{t(`setup.notes.${note}.text`)}</p>
        </section>
      ))}
    </>
  )
}
