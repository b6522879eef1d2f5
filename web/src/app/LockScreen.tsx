import { LockOutlined } from '@ant-design/icons'
import { useQueryClient } from '@tanstack/react-query'
import { Button, Form } from 'antd'
import { useState } from 'react'
import { createPortal } from 'react-dom'
import { useTranslation } from 'react-i18next'
import { isApiError } from '@/shared/api/client'
import { meKey, useMe } from '@/shared/api/me'
import { signIn } from '@/shared/api/session'
import { useErrorText } from '@/shared/lib/errors'
import { Notice } from '@/shared/ui/Notice'
import './lockscreen.css'
import { PasswordFields, type PasswordValues } from './PasswordFields'

/** Covers the page until the same person is back. The page below stays as it was, unreadable. */
export default function LockScreen({ code, onUnlocked }: { code: string; onUnlocked: () => void }) {
  const { t } = useTranslation()
  const me = useMe()
  const client = useQueryClient()
  const errorText = useErrorText()
  const [needTotp, setNeedTotp] = useState(me?.account.totp_enabled ?? false)
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string>()
  const kind = code === 'session_idle' ? 'idle' : 'ended'
  const login = me?.account.login ?? ''

  const submit = async (values: PasswordValues) => {
    setBusy(true)
    setFailure(undefined)
    try {
      client.setQueryData(meKey, await signIn({ login, ...values }))
      onUnlocked()
      await client.invalidateQueries()
    } catch (error) {
      if (isApiError(error, 'totp_required')) setNeedTotp(true)
      setFailure(errorText(error))
    } finally {
      setBusy(false)
    }
  }

  return createPortal(
    <div className="lock-screen" role="dialog" aria-modal="true" aria-labelledby="lock-title">
      <Form
        className="lock-card panel"
        layout="vertical"
        requiredMark={false}
        onFinish={(v: PasswordValues) => void submit(v)}
      >
        <LockOutlined className="lock-icon" />
        <h1 id="lock-title">{t(`session.${kind}Title`)}</h1>
        <p className="soft">{t(`session.${kind}Body`)}</p>
        <p className="lock-person">
          {me?.account.display_name} <span className="muted">{login}</span>
        </p>
        {failure && (
          <div style={{ marginBottom: 12 }}>
            <Notice tone="critical">{failure}</Notice>
          </div>
        )}
        <PasswordFields withTotp={needTotp} login={login} />
        <Button type="primary" htmlType="submit" block loading={busy}>
          {t('session.unlock')}
        </Button>
        <Button type="link" block onClick={() => window.location.assign('/sign-in')}>
          {t('session.other')}
        </Button>
      </Form>
    </div>,
    document.body,
  )
}
