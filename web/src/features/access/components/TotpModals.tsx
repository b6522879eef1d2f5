import { useQuery, useQueryClient } from '@tanstack/react-query'
import { App, Button, Form, Input, Modal, QRCode } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { meKey } from '@/shared/api/me'
import { useErrorText } from '@/shared/lib/errors'
import { CopyButton } from '@/shared/ui/CopyText'
import { Notice } from '@/shared/ui/Notice'
import { StateView } from '@/shared/ui/StateView'
import { beginTotp, confirmTotp, disableTotp } from '../queries'

interface DialogProps {
  open: boolean
  onClose: () => void
}

/** Enrolment in two steps: scan and prove, then keep the recovery codes, which are shown once. */
export function TotpEnrolModal({ open, onClose }: DialogProps) {
  const { t } = useTranslation('access')
  const [codes, setCodes] = useState<string[]>()
  const client = useQueryClient()
  const close = () => {
    onClose()
    void client.invalidateQueries({ queryKey: meKey })
  }
  return (
    <Modal
      open={open}
      title={codes ? t('totp.codesTitle') : t('totp.title')}
      footer={null}
      onCancel={close}
      mask={{ closable: false }}
      keyboard={!codes}
      closable={!codes}
      afterClose={() => setCodes(undefined)}
      destroyOnHidden
      width={520}
    >
      {codes ? <RecoveryCodes codes={codes} onDone={close} /> : <Enrol onCodes={setCodes} />}
    </Modal>
  )
}

function Enrol({ onCodes }: { onCodes: (codes: string[]) => void }) {
  const { t } = useTranslation('access')
  const errorText = useErrorText()
  const [form] = Form.useForm<{ code: string }>()
  const [busy, setBusy] = useState(false)
  const secret = useQuery({
    // Asked once a dialog: each answer is a new secret, so nothing that happens elsewhere may ask again.
    queryKey: ['totp-begin'],
    queryFn: () => beginTotp(),
    staleTime: 'static',
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
  })

  const submit = async ({ code }: { code: string }) => {
    setBusy(true)
    try {
      onCodes((await confirmTotp(code)).recovery_codes ?? [])
    } catch (error) {
      form.setFields([{ name: 'code', errors: [errorText(error)] }])
    } finally {
      setBusy(false)
    }
  }

  return (
    <StateView query={secret} skeletonRows={4}>
      {({ secret: key, uri }) => (
        <div className="totp-enrol" style={{ paddingTop: 8 }}>
          <QRCode aria-label={t('totp.qr')} value={uri} size={168} color="#000000" bgColor="#ffffff" bordered />
          <div className="grow stack">
            <p className="soft">{t('totp.scan')}</p>
            <div>
              <div className="meta">{t('totp.manual')}</div>
              <code className="break">{key.replace(/(.{4})(?=.)/g, '$1 ')}</code>
            </div>
            <Form form={form} layout="vertical" requiredMark={false} onFinish={(values) => void submit(values)}>
              <Form.Item
                name="code"
                label={t('totp.code')}
                normalize={(value: string) => value.replace(/\D/g, '').slice(0, 6)}
                rules={[{ required: true, len: 6, message: t('totp.sixDigits') }]}
              >
                <Input autoFocus inputMode="numeric" autoComplete="one-time-code" className="mono" />
              </Form.Item>
              <Button type="primary" htmlType="submit" loading={busy} block>
                {t('totp.confirm')}
              </Button>
            </Form>
          </div>
        </div>
      )}
    </StateView>
  )
}

function RecoveryCodes({ codes, onDone }: { codes: string[]; onDone: () => void }) {
  const { t } = useTranslation('access')
  return (
    <div className="stack" style={{ paddingTop: 8 }}>
      <p className="soft">{t('totp.codesText')}</p>
      <ol className="recovery-codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ol>
      <div className="row">
        <CopyButton text={codes.join('\n')} label={t('totp.copyCodes')} />
        <span className="grow" />
        <Button type="primary" onClick={onDone}>
          {t('totp.codesKept')}
        </Button>
      </div>
    </div>
  )
}

export function TotpDisableModal({ open, onClose }: DialogProps) {
  const { t } = useTranslation('access')
  const { message } = App.useApp()
  const client = useQueryClient()
  const errorText = useErrorText()
  const [form] = Form.useForm<{ password: string }>()
  const [busy, setBusy] = useState(false)

  const submit = async ({ password }: { password: string }) => {
    setBusy(true)
    try {
      await disableTotp(password)
      void message.success(t('totp.disabled'))
      void client.invalidateQueries({ queryKey: meKey })
      onClose()
    } catch (error) {
      form.setFields([{ name: 'password', errors: [errorText(error)] }])
    } finally {
      setBusy(false)
    }
  }

  return (
    <Modal
      open={open}
      title={t('totp.disableTitle')}
      okText={t('profile.totpDisable')}
      okButtonProps={{ danger: true, loading: busy }}
      cancelText={t('actions.cancel')}
      onOk={() => form.submit()}
      onCancel={() => !busy && onClose()}
      destroyOnHidden
      width={420}
    >
      <Form
        form={form}
        layout="vertical"
        requiredMark={false}
        preserve={false}
        onFinish={(values) => void submit(values)}
      >
        <div style={{ margin: '8px 0 12px' }}>
          <Notice tone="warning">{t('totp.disableText')}</Notice>
        </div>
        <Form.Item
          name="password"
          label={t('signIn.password')}
          rules={[{ required: true, message: t('form.required', { label: t('signIn.password') }) }]}
        >
          <Input.Password autoFocus autoComplete="current-password" />
        </Form.Item>
        <button type="submit" hidden />
      </Form>
    </Modal>
  )
}
