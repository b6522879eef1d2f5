import { Form, Modal, type FormInstance } from 'antd'
import { useRef, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useErrorText } from '@/shared/lib/errors'
import { Notice } from '@/shared/ui/Notice'

interface Props<V> {
  open: boolean
  title: string
  okText: string
  initialValues?: Partial<V>
  onSubmit: (values: V) => Promise<unknown>
  onClose: () => void
  children: ReactNode | ((form: FormInstance<V>) => ReactNode)
}

/** A short form over the page; the failure is said inside, and what was typed stays. */
export function ActModal<V extends object>({
  open,
  title,
  okText,
  initialValues,
  onSubmit,
  onClose,
  children,
}: Props<V>) {
  const { t } = useTranslation()
  const errorText = useErrorText()
  const [form] = Form.useForm<V>()
  const body = useRef<HTMLDivElement>(null)
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string>()

  const submit = async () => {
    let values: V
    try {
      values = await form.validateFields()
    } catch {
      return
    }
    setBusy(true)
    setFailure(undefined)
    try {
      await onSubmit(values)
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
      okButtonProps={{ loading: busy }}
      cancelText={t('actions.cancel')}
      onOk={() => void submit()}
      onCancel={() => !busy && onClose()}
      afterOpenChange={(shown) => {
        // The dialog would begin at its close button; whoever opened it wants to fill it in.
        if (shown) body.current?.querySelector<HTMLElement>('input, textarea')?.focus()
      }}
      afterClose={() => setFailure(undefined)}
      destroyOnHidden
      width={480}
    >
      <div ref={body}>
        <Form<V>
          form={form}
          layout="vertical"
          requiredMark={false}
          preserve={false}
          initialValues={initialValues as V}
          style={{ paddingTop: 8 }}
        >
          {failure && (
            <div style={{ marginBottom: 12 }}>
              <Notice tone="critical">{failure}</Notice>
            </div>
          )}
          {typeof children === 'function' ? children(form) : children}
        </Form>
      </div>
    </Modal>
  )
}
