import { Form, Input, Modal } from 'antd'
import { useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useErrorText } from '@/shared/lib/errors'
import { Notice } from './Notice'

interface Props {
  open: boolean
  title: string
  body?: ReactNode
  okText: string
  danger?: boolean
  /** A word to type, for what cannot be undone. */
  confirmWord?: string
  minLength?: number
  onOk: (reason: string) => Promise<unknown>
  onClose: () => void
}

/** Asks for the reason of an act, which the journal keeps; for the irreversible also for a typed word. */
export function ReasonModal(props: Props) {
  const { open, title, body, okText, danger, confirmWord, minLength = 4, onOk, onClose } = props
  const { t } = useTranslation()
  const errorText = useErrorText()
  const [form] = Form.useForm<{ reason: string; word?: string }>()
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string>()

  const submit = async () => {
    let values: { reason: string }
    try {
      values = await form.validateFields()
    } catch {
      return
    }
    setBusy(true)
    setFailure(undefined)
    try {
      await onOk(values.reason.trim())
      onClose()
    } catch (error) {
      setFailure(errorText(error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <Modal
      open={open}
      title={title}
      okText={okText}
      okButtonProps={{ danger, loading: busy }}
      cancelText={t('actions.cancel')}
      onOk={() => void submit()}
      onCancel={() => !busy && onClose()}
      afterClose={() => setFailure(undefined)}
      destroyOnHidden
      width={460}
    >
      <Form
        form={form}
        layout="vertical"
        requiredMark={false}
        preserve={false}
        className="stack"
        style={{ paddingTop: 8 }}
      >
        {body && <div className="soft">{body}</div>}
        {failure && <Notice tone="critical">{failure}</Notice>}
        <Form.Item
          name="reason"
          label={t('form.reason')}
          extra={t('form.reasonHelp')}
          style={{ marginBottom: 0 }}
          rules={[
            {
              validator: (_, value: string | undefined) =>
                (value ?? '').trim().length >= minLength
                  ? Promise.resolve()
                  : Promise.reject(new Error(t('form.reasonShort', { n: minLength }))),
            },
          ]}
        >
          <Input.TextArea autoFocus rows={3} maxLength={500} showCount />
        </Form.Item>
        {confirmWord && (
          <Form.Item
            name="word"
            label={t('form.typeToConfirm', { word: confirmWord })}
            style={{ marginBottom: 0, marginTop: 12 }}
            rules={[
              {
                validator: (_, value: string | undefined) =>
                  value === confirmWord
                    ? Promise.resolve()
                    : Promise.reject(new Error(t('form.typeToConfirm', { word: confirmWord }))),
              },
            ]}
          >
            <Input autoComplete="off" />
          </Form.Item>
        )}
      </Form>
    </Modal>
  )
}
