import { App, Button, Drawer, Form, type FormInstance } from 'antd'
import { useEffect, useRef, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { newKey } from '@/shared/api/client'
import { useErrorText, useFieldErrorText } from '@/shared/lib/errors'
import { showFieldErrors } from '@/shared/lib/formErrors'
import { Notice } from './Notice'

interface Props<V> {
  open: boolean
  title: ReactNode
  width?: number
  initialValues?: Partial<V>
  submitText?: string
  /** Nothing can be sent: the button says so instead of an error after it. */
  submitDisabled?: boolean
  /** A key to send with a create: the same for every try of one opening of the form. */
  onSubmit: (values: V, idempotencyKey: string) => Promise<void>
  onClose: () => void
  children: ReactNode | ((form: FormInstance<V>) => ReactNode)
  extra?: ReactNode
}

/** A form at the side of its list. It asks before throwing away what somebody typed. */
export function FormDrawer<V extends object>(props: Props<V>) {
  const {
    open,
    title,
    width = 480,
    initialValues,
    submitText,
    submitDisabled,
    onSubmit,
    onClose,
    children,
    extra,
  } = props
  const { t } = useTranslation()
  const { modal } = App.useApp()
  const errorText = useErrorText()
  const fieldText = useFieldErrorText()
  const [form] = Form.useForm<V>()
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string>()
  const dirty = useRef(false)
  const key = useRef('')

  useEffect(() => {
    if (!open) return
    dirty.current = false
    key.current = newKey()
  }, [open])

  useEffect(() => {
    if (!open) return
    const warn = (event: BeforeUnloadEvent) => {
      if (dirty.current) event.preventDefault()
    }
    window.addEventListener('beforeunload', warn)
    return () => window.removeEventListener('beforeunload', warn)
  }, [open])

  const close = () => {
    if (busy) return
    if (!dirty.current) {
      onClose()
      return
    }
    void modal.confirm({
      title: t('form.unsavedTitle'),
      content: t('form.unsavedBody'),
      okText: t('form.discard'),
      okButtonProps: { danger: true },
      cancelText: t('form.keep'),
      onOk: onClose,
    })
  }

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
      await onSubmit(values, key.current)
      dirty.current = false
    } catch (error) {
      const placed = showFieldErrors(form, error, fieldText)
      if (!placed) setFailure(errorText(error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <Drawer
      open={open}
      title={title}
      size={width}
      onClose={close}
      destroyOnHidden
      mask={{ closable: true }}
      extra={extra}
      footer={
        <div className="form-drawer-foot">
          <Button onClick={close}>{t('actions.cancel')}</Button>
          <Button type="primary" loading={busy} disabled={submitDisabled} onClick={() => void submit()}>
            {submitText ?? t('actions.save')}
          </Button>
        </div>
      }
      afterOpenChange={(shown) => {
        if (!shown) setFailure(undefined)
      }}
    >
      <Form<V>
        form={form}
        layout="vertical"
        initialValues={initialValues as V}
        preserve={false}
        requiredMark={false}
        onValuesChange={() => {
          dirty.current = true
          setFailure(undefined)
        }}
        onFinish={() => void submit()}
      >
        {failure && (
          <div style={{ marginBottom: 16 }}>
            <Notice tone="critical">{failure}</Notice>
          </div>
        )}
        {typeof children === 'function' ? children(form) : children}
        <button type="submit" hidden />
      </Form>
    </Drawer>
  )
}
