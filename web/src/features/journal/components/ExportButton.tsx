import { DownloadOutlined } from '@ant-design/icons'
import { App, Button } from 'antd'
import { useTranslation } from 'react-i18next'
import { Can } from '@/shared/lib/perm'
import { exportUrl } from '../queries'

/** The whole journal as a file that can be verified anywhere. Taking it away is recorded, so it asks first. */
export function ExportButton() {
  const { t } = useTranslation('journal')
  const { modal } = App.useApp()
  const ask = () =>
    void modal.confirm({
      title: t('export.title'),
      content: t('export.body'),
      okText: t('export.ok'),
      cancelText: t('actions.cancel'),
      onOk: () => {
        const link = document.createElement('a')
        link.href = exportUrl
        link.download = ''
        document.body.append(link)
        link.click()
        link.remove()
      },
    })
  return (
    <Can perm="journal.export">
      <Button icon={<DownloadOutlined />} onClick={ask}>
        {t('export.button')}
      </Button>
    </Can>
  )
}
