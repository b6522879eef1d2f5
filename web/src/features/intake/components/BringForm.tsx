import { useQueryClient } from '@tanstack/react-query'
import { Checkbox, Form, Input, Segmented, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMe } from '@/shared/api/me'
import { useOrgNames } from '@/shared/api/org'
import { FormDrawer } from '@/shared/ui/FormDrawer'
import { Notice } from '@/shared/ui/Notice'
import { module, readZabbix, uploadScripts, uploadZabbix, type RunDetail } from '../queries'

const most = 64 * 2 ** 20

interface Values {
  area_path: string
  system_id?: string
  url?: string
  token?: string
  user?: string
  password?: string
  ca?: string
  fingerprint?: string
  plain?: boolean
}

interface Props {
  /** What is brought; undefined while the form is closed. */
  what?: 'zabbix' | 'scripts'
  onClose: () => void
  onRead: (run: RunDetail) => void
}

/** Zabbix as a file or through its API, or an archive of old scripts: read only, nothing changes yet. */
export function BringForm({ what, onClose, onRead }: Props) {
  const { t } = useTranslation('intake')
  const me = useMe()
  const client = useQueryClient()
  const { areas, systems, areaName, systemName } = useOrgNames()
  const [way, setWay] = useState<'file' | 'api'>('file')
  const [file, setFile] = useState<File>()
  const byFile = what === 'scripts' || way === 'file'
  const large = byFile && file !== undefined && file.size > most
  return (
    <FormDrawer<Values>
      open={what !== undefined}
      title={t(what === 'scripts' ? 'bring.scriptsTitle' : 'bring.zabbixTitle')}
      submitText={t('upload.read')}
      submitDisabled={byFile && (!file || large)}
      initialValues={{ area_path: me?.installation.area_path }}
      onClose={() => {
        setFile(undefined)
        onClose()
      }}
      onSubmit={async (values, key) => {
        const place = { area_path: values.area_path, system_id: values.system_id }
        const fileKey = file ? `${key}-${file.size}-${file.lastModified}` : key
        const run =
          what === 'scripts'
            ? await uploadScripts(file!, place, fileKey)
            : byFile
              ? await uploadZabbix(file!, place, fileKey)
              : await readZabbix({ ...values, url: values.url?.trim() ?? '', system_id: values.system_id ?? '' })
        await client.invalidateQueries({ queryKey: [module] })
        setFile(undefined)
        onRead(run)
      }}
    >
      {what === 'zabbix' && (
        <Form.Item>
          <Segmented<'file' | 'api'>
            aria-label={t('bring.way')}
            value={way}
            onChange={setWay}
            options={[
              { value: 'file', label: t('bring.file') },
              { value: 'api', label: t('bring.api') },
            ]}
          />
        </Form.Item>
      )}
      {byFile ? (
        <>
          <Form.Item
            label={t('upload.file')}
            htmlFor="bring-file"
            extra={t(what === 'scripts' ? 'bring.scriptsHelp' : 'bring.fileHelp')}
          >
            <input
              id="bring-file"
              type="file"
              accept={what === 'scripts' ? '.zip,.tar,.gz,.tgz' : '.xml,.json,.yaml,.yml'}
              onChange={(event) => setFile(event.target.files?.[0])}
            />
          </Form.Item>
          {large && <Notice tone="critical">{t('bring.tooLarge')}</Notice>}
        </>
      ) : (
        <>
          <Form.Item name="url" label={t('bring.url')} extra={t('bring.urlHelp')} rules={[{ required: true }]}>
            <Input placeholder="https://zabbix.example/zabbix/" maxLength={500} autoComplete="off" />
          </Form.Item>
          <Form.Item name="token" label={t('bring.token')} extra={t('bring.tokenHelp')}>
            <Input.Password maxLength={200} autoComplete="new-password" />
          </Form.Item>
          <Form.Item name="user" label={t('bring.user')}>
            <Input maxLength={200} autoComplete="off" />
          </Form.Item>
          <Form.Item name="password" label={t('bring.password')}>
            <Input.Password maxLength={500} autoComplete="new-password" />
          </Form.Item>
          <Form.Item name="fingerprint" label={t('bring.fingerprint')} extra={t('bring.fingerprintHelp')}>
            <Input maxLength={100} autoComplete="off" className="mono" />
          </Form.Item>
          <Form.Item name="ca" label={t('bring.ca')}>
            <Input.TextArea rows={2} maxLength={65536} className="mono" placeholder="-----BEGIN CERTIFICATE-----" />
          </Form.Item>
          <Form.Item name="plain" valuePropName="checked">
            <Checkbox>{t('bring.plain')}</Checkbox>
          </Form.Item>
        </>
      )}
      <Form.Item name="area_path" label={t('upload.area')} rules={[{ required: true }]}>
        <Select
          showSearch={{ optionFilterProp: 'label' }}
          options={areas.map((area) => ({ value: area.path, label: areaName(area.path) }))}
        />
      </Form.Item>
      <Form.Item name="system_id" label={t('upload.system')} rules={[{ required: true }]}>
        <Select options={systems.map((s) => ({ value: s.id, label: systemName(s.id) }))} />
      </Form.Item>
    </FormDrawer>
  )
}
