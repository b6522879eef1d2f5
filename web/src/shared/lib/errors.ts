import { App } from 'antd'
import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/shared/api/client'
import { splitSpan } from './time'

/** An error in the words of the page's language, by its stable code; the server's own text is the last resort. */
export function useErrorText(): (error: unknown) => string {
  const { t, i18n } = useTranslation()
  return useCallback(
    (error: unknown) => {
      if (!(error instanceof ApiError)) return t('errors.internal')
      const key = `errors.${error.code}`
      const text = i18n.exists(key) ? t(key) : error.message
      if (error.retryAfter <= 0) return text
      const span = splitSpan(error.retryAfter * 1000).map((s) => t(`time.${s.unit}`, { count: s.value }))
      return `${text} ${t('errors.retryAfter', { span: span.join(' ') })}`
    },
    [t, i18n],
  )
}

/** Shows a failed action as a message; a failure of the server also names the request to quote. */
export function useShowError(): (error: unknown) => void {
  const { message } = App.useApp()
  const { t } = useTranslation()
  const text = useErrorText()
  return useCallback(
    (error: unknown) => {
      const quote = error instanceof ApiError && error.status >= 500 && error.requestId
      void message.error(quote ? `${text(error)} ${t('state.requestId')}: ${quote}` : text(error), quote ? 8 : 4)
    },
    [message, t, text],
  )
}

/** What is wrong with one field, by the code of the field error; the server's own text is the last resort. */
export function useFieldErrorText(): (code: string, message: string) => string {
  const { t, i18n } = useTranslation()
  return useCallback(
    (code: string, message: string) => {
      if (code && i18n.exists(`fieldErrors.${code}`)) return t(`fieldErrors.${code}`)
      return code && i18n.exists(`errors.${code}`) ? t(`errors.${code}`) : message
    },
    [t, i18n],
  )
}
