import { useQueryClient } from '@tanstack/react-query'
import { Form, Modal } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { meKey, useMe } from '@/shared/api/me'
import { reauthenticate } from '@/shared/api/session'
import { useErrorText } from '@/shared/lib/errors'
import { Notice } from '@/shared/ui/Notice'
import { PasswordFields, type PasswordValues } from './PasswordFields'

export default function FreshSignInModal({ open, onAnswer }: { open: boolean; onAnswer: (fresh: boolean) => void }) {
  const { t } = useTranslation()
  const me = useMe()
  const client = useQueryClient()
  const errorText = useErrorText()
  const [form] = Form.useForm<PasswordValues>()
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string>()

  const submit = async (values: PasswordValues) => {
    setBusy(true)
    setFailure(undefined)
    try {
      await reauthenticate(values)
      void client.invalidateQueries({ queryKey: meKey })
      onAnswer(true)
    } catch (error) {
      setFailure(errorText(error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <Modal
      open={open}
      title={t('session.freshTitle')}
      okText={t('session.freshOk')}
      cancelText={t('actions.cancel')}
      okButtonProps={{ loading: busy }}
      onOk={() => form.submit()}
      onCancel={() => !busy && onAnswer(false)}
      afterClose={() => setFailure(undefined)}
      destroyOnHidden
      zIndex={1500}
      width={400}
    >
      <Form form={form} layout="vertical" requiredMark={false} preserve={false} onFinish={(v) => void submit(v)}>
        <p className="soft" style={{ marginBottom: 12 }}>
          {t('session.freshBody')}
        </p>
        {failure && (
          <div style={{ marginBottom: 12 }}>
            <Notice tone="critical">{failure}</Notice>
          </div>
        )}
        <PasswordFields withTotp={me?.account.totp_enabled ?? false} login={me?.account.login ?? ''} />
        <button type="submit" hidden />
      </Form>
    </Modal>
  )
}
