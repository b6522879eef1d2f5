import { useQueryClient } from '@tanstack/react-query'
import { Form, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMe } from '@/shared/api/me'
import { useOrgNames } from '@/shared/api/org'
import { FormDrawer } from '@/shared/ui/FormDrawer'
import { Notice } from '@/shared/ui/Notice'
import { module, upload, type RunDetail } from '../queries'

const most = 50 * 2 ** 20

interface Values {
  area_path: string
  system_id?: string
}

interface Props {
  open: boolean
  onClose: () => void
  onUploaded: (run: RunDetail) => void
}

/** First step: the file, and where its rows lie that do not say it. */
export function UploadForm({ open, onClose, onUploaded }: Props) {
  const { t } = useTranslation('intake')
  const me = useMe()
  const client = useQueryClient()
  const { areas, systems, areaName, systemName } = useOrgNames()
  const [file, setFile] = useState<File>()
  const large = file !== undefined && file.size > most
  return (
    <FormDrawer<Values>
      open={open}
      title={t('upload.title')}
      submitText={t('upload.read')}
      submitDisabled={!file || large}
      initialValues={{ area_path: me?.installation.area_path }}
      onClose={() => {
        setFile(undefined)
        onClose()
      }}
      onSubmit={async (values, key) => {
        // A key for each file: another file chosen after a refusal is another request.
        const run = await upload(file!, values, `${key}-${file!.size}-${file!.lastModified}`)
        await client.invalidateQueries({ queryKey: [module] })
        setFile(undefined)
        onUploaded(run)
      }}
    >
      <Form.Item label={t('upload.file')} htmlFor="intake-file" extra={t('upload.fileHelp')}>
        <input
          id="intake-file"
          type="file"
          accept=".xlsx,.xlsm,.csv,.txt"
          onChange={(event) => setFile(event.target.files?.[0])}
        />
      </Form.Item>
      {large && <Notice tone="critical">{t('upload.tooLarge')}</Notice>}
      <Form.Item name="area_path" label={t('upload.area')} extra={t('upload.areaHelp')} rules={[{ required: true }]}>
        <Select
          showSearch={{ optionFilterProp: 'label' }}
          options={areas.map((area) => ({ value: area.path, label: areaName(area.path) }))}
        />
      </Form.Item>
      <Form.Item name="system_id" label={t('upload.system')} extra={t('upload.systemHelp')}>
        <Select allowClear options={systems.map((s) => ({ value: s.id, label: systemName(s.id) }))} />
      </Form.Item>
    </FormDrawer>
  )
}
