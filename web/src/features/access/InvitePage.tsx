import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { Button, Form } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { isApiError } from '@/shared/api/client'
import { meKey } from '@/shared/api/me'
import { useErrorText, useFieldErrorText } from '@/shared/lib/errors'
import { showFieldErrors } from '@/shared/lib/formErrors'
import { Notice } from '@/shared/ui/Notice'
import { Loading } from '@/shared/ui/StateView'
import { Time } from '@/shared/ui/Time'
import { NewPassword, type NewPasswordValues } from './components/NewPassword'
import { PublicFrame } from './components/PublicFrame'
import { useLinkToken } from './linkToken'
import { acceptInvitation, invitationQuery } from './queries'

/** Where an invitation link leads: set a password and be signed in. Also the way back after a lost password. */
export default function InvitePage() {
  const { t } = useTranslation('access')
  const token = useLinkToken()
  const errorText = useErrorText()
  const invitation = useQuery({ ...invitationQuery(token ?? ''), enabled: Boolean(token) })

  return (
    <PublicFrame title={t('invite.title')} lead={invitation.data ? t('invite.lead') : undefined}>
      {!token ? (
        <p className="soft" style={{ marginTop: 12 }}>
          {t('invite.noToken')}
        </p>
      ) : invitation.isPending ? (
        <Loading rows={3} />
      ) : invitation.isError ? (
        <div className="stack" style={{ marginTop: 16 }}>
          <Notice tone="critical">{errorText(invitation.error)}</Notice>
          <div className="row">
            <Link to="/sign-in">{t('setup.toSignIn')}</Link>
            {isApiError(invitation.error) && (invitation.error.status === 0 || invitation.error.status >= 500) && (
              <Button onClick={() => void invitation.refetch()}>{t('state.retry')}</Button>
            )}
          </div>
        </div>
      ) : (
        <>
          <dl className="facts" style={{ marginTop: 16 }}>
            <dt>{t('account.displayName')}</dt>
            <dd>{invitation.data.display_name}</dd>
            <dt>{t('signIn.login')}</dt>
            <dd>{invitation.data.login}</dd>
            <dt>{t('invite.expires')}</dt>
            <dd>
              <Time value={invitation.data.expires_at} format="minute" />
            </dd>
          </dl>
          <AcceptForm token={token} login={invitation.data.login} />
        </>
      )}
    </PublicFrame>
  )
}

function AcceptForm({ token, login }: { token: string; login: string }) {
  const { t } = useTranslation('access')
  const navigate = useNavigate()
  const client = useQueryClient()
  const errorText = useErrorText()
  const fieldText = useFieldErrorText()
  const [form] = Form.useForm<NewPasswordValues>()
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string>()
  const [held, setHeld] = useState(false)

  const submit = async ({ password }: NewPasswordValues) => {
    setBusy(true)
    setFailure(undefined)
    try {
      const me = await acceptInvitation({ token, password })
      client.clear()
      client.setQueryData(meKey, me)
      await navigate({ to: '/', replace: true })
    } catch (error) {
      if (isApiError(error, 'confirmation_needed')) setHeld(true)
      else if (!showFieldErrors(form, error, fieldText)) setFailure(errorText(error))
    } finally {
      setBusy(false)
    }
  }

  if (held) {
    return (
      <div className="stack" style={{ marginTop: 16 }} role="status">
        <Notice tone="ok">{t('invite.held')}</Notice>
        <Link to="/sign-in">{t('setup.toSignIn')}</Link>
      </div>
    )
  }
  return (
    <Form form={form} layout="vertical" requiredMark={false} onFinish={(values) => void submit(values)}>
      {failure && (
        <div style={{ marginBottom: 16 }}>
          <Notice tone="critical">{failure}</Notice>
        </div>
      )}
      <input type="text" name="username" value={login} autoComplete="username" readOnly hidden />
      <NewPassword login={login} />
      <Button type="primary" htmlType="submit" block loading={busy}>
        {t('invite.submit')}
      </Button>
    </Form>
  )
}
