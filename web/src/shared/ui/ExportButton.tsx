import { DownloadOutlined } from '@ant-design/icons'
import { App, Button, Dropdown } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, type Query } from '@/shared/api/client'
import { useShowError } from '@/shared/lib/errors'
import { saveFile } from '@/shared/lib/file'
import { formatTime, serverNow } from '@/shared/lib/time'

interface Props {
  /** File name without date and ending. */
  name: string
  /** The operation that writes the list as a file: "/inspect/findings/export". */
  path: string
  /** What the list is narrowed and sorted by. */
  query?: Query
}

const formats = ['xlsx', 'csv'] as const

/** Takes the whole filtered list away as a file. The server writes it, and records who took what. */
export function ExportButton({ name, path, query }: Props) {
  const { t, i18n } = useTranslation()
  const { message } = App.useApp()
  const showError = useShowError()
  const [busy, setBusy] = useState(false)
  const aborter = useRef<AbortController>(null)
  useEffect(() => () => aborter.current?.abort(), [])

  const run = async (format: (typeof formats)[number]) => {
    aborter.current = new AbortController()
    setBusy(true)
    try {
      const file = await api.download(path, {
        query: { ...query, format, lang: i18n.language === 'en' ? 'en' : 'zh-CN' },
        signal: aborter.current.signal,
      })
      saveFile(`${name}-${formatTime(serverNow(), 'date')}.${format}`, file)
      void message.success(t('table.exported'))
    } catch (error) {
      if (!(error instanceof DOMException && error.name === 'AbortError')) showError(error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dropdown
      trigger={['click']}
      disabled={busy}
      menu={{
        items: formats.map((format) => ({
          key: format,
          label: t(`table.format.${format}`),
          onClick: () => void run(format),
        })),
      }}
    >
      <Button icon={<DownloadOutlined />} loading={busy}>
        {busy ? t('table.exporting') : t('table.export')}
      </Button>
    </Dropdown>
  )
}
