import { CheckOutlined, CopyOutlined } from '@ant-design/icons'
import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

/** The clipboard API exists in secure contexts only; plain HTTP inside a bureau needs the old way. */
export async function copyText(text: string): Promise<boolean> {
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text)
      return true
    }
  } catch {
    // Refused by the browser: try the old way.
  }
  const area = document.createElement('textarea')
  area.value = text
  area.style.position = 'fixed'
  area.style.opacity = '0'
  ;(document.querySelector('.ant-modal-body, .ant-drawer-body') ?? document.body).append(area)
  area.select()
  const done = document.execCommand('copy')
  area.remove()
  return done
}

export function CopyButton({ text, label, primary }: { text: string; label?: string; primary?: boolean }) {
  const { t } = useTranslation()
  const [copied, setCopied] = useState(false)
  return (
    <Button
      type={primary ? 'primary' : 'default'}
      icon={copied ? <CheckOutlined /> : <CopyOutlined />}
      onClick={() => void copyText(text).then(setCopied)}
      aria-live="polite"
    >
      {copied ? t('actions.copied') : (label ?? t('actions.copy'))}
    </Button>
  )
}

/** A link or key that a person takes away from the page. */
export function CopyText({ text, primary }: { text: string; primary?: boolean }) {
  return (
    <div className="copy-text">
      <code className="copy-text-value">{text}</code>
      <CopyButton text={text} primary={primary} />
    </div>
  )
}
