import { App, Form, Input, Modal } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { isApiError } from '@/shared/api/client'
import { useErrorText, useFieldErrorText } from '@/shared/lib/errors'
import { Notice } from '@/shared/ui/Notice'
import { changePassword } from '../queries'
import { NewPassword, type NewPasswordValues } from './NewPassword'

interface Values extends NewPasswordValues {
  current: string
}

export function PasswordModal({ open, login, onClose }: { open: boolean; login: string; onClose: () => void }) {
  const { t } = useTranslation('access')
  const { message } = App.useApp()
  const errorText = useErrorText()
  const fieldText = useFieldErrorText()
  const [form] = Form.useForm<Values>()
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string>()

  const submit = async ({ current, password }: Values) => {
    setBusy(true)
    setFailure(undefined)
    try {
      await changePassword({ current, next: password })
      void message.success(t('password.changed'))
      onClose()
    } catch (error) {
      if (isApiError(error, 'bad_credentials')) {
        form.setFields([{ name: 'current', errors: [t('password.currentWrong')] }])
      } else if (isApiError(error, 'password_weak')) {
        const why = error.fieldErrors[0]
        form.setFields([
          { name: 'password', errors: [why ? fieldText(why.code ?? '', why.message) : errorText(error)] },
        ])
      } else setFailure(errorText(error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <Modal
      open={open}
      title={t('profile.changePassword')}
      okText={t('actions.save')}
      cancelText={t('actions.cancel')}
      okButtonProps={{ loading: busy }}
      onOk={() => form.submit()}
      onCancel={() => !busy && onClose()}
      afterClose={() => setFailure(undefined)}
      destroyOnHidden
      width={420}
    >
      <Form
        form={form}
        layout="vertical"
        requiredMark={false}
        preserve={false}
        style={{ paddingTop: 8 }}
        onFinish={(values) => void submit(values)}
      >
        {failure && (
          <div style={{ marginBottom: 12 }}>
            <Notice tone="critical">{failure}</Notice>
          </div>
        )}
        <input type="text" name="username" value={login} autoComplete="username" readOnly hidden />
        <Form.Item
          name="current"
          label={t('password.current')}
          rules={[{ required: true, message: t('form.required', { label: t('password.current') }) }]}
        >
          <Input.Password autoFocus autoComplete="current-password" />
        </Form.Item>
        <NewPassword login={login} />
        <p className="meta">{t('password.others')}</p>
        <button type="submit" hidden />
      </Form>
    </Modal>
  )
}
