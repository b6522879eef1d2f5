import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { AutoComplete, Form, Input, InputNumber, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { checkClasses, type CheckClass } from '@/shared/api/inspect'
import { AssetSelect } from '@/shared/ui/AssetSelect'
import { FormDrawer } from '@/shared/ui/FormDrawer'
import { createCheck, inspectModule, pluginsQuery } from '../queries'

interface Values {
  asset_id: string
  command: string
  args?: string
  title?: string
  class: CheckClass
  timeout_seconds?: number
  secret_env?: string
  secret?: string
}

/** Makes a check from a plug-in that is installed on the server's machine. */
export function PluginCheck({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation('script')
  const navigate = useNavigate()
  const client = useQueryClient()
  const plugins = useQuery({ ...pluginsQuery, enabled: open }).data ?? []
  const submit = async (values: Values, idempotencyKey: string) => {
    const check = await createCheck(
      {
        asset_id: values.asset_id,
        kind: 'plugin.command',
        params: {
          command: values.command.trim(),
          args: (values.args ?? '').split('\n').filter((line) => line !== ''),
          class: values.class,
          ...(values.title?.trim() ? { title: values.title.trim() } : {}),
          timeout_seconds: values.timeout_seconds ?? 30,
          ...(values.secret ? { secret_env: values.secret_env?.trim(), secret: values.secret } : {}),
        },
      },
      idempotencyKey,
    )
    await client.invalidateQueries({ queryKey: [inspectModule] })
    void navigate({ to: `/inspect/checks/${check.id}` as string })
  }
  const required = (label: string) => [{ required: true, message: t('form.required', { label }) }]
  return (
    <FormDrawer<Values>
      open={open}
      width={560}
      title={t('plugin.add')}
      submitText={t('check.add')}
      initialValues={{ class: 'service', timeout_seconds: 30 }}
      onSubmit={submit}
      onClose={onClose}
    >
      <p className="soft form-lead">{t('plugin.help')}</p>
      <Form.Item name="asset_id" label={t('col.asset')} rules={required(t('col.asset'))}>
        <AssetSelect label={t('col.asset')} width="100%" />
      </Form.Item>
      <Form.Item
        name="command"
        label={t('plugin.command')}
        extra={plugins.length === 0 ? t('plugin.none') : t('plugin.installed', { n: plugins.length })}
        rules={required(t('plugin.command'))}
      >
        <AutoComplete
          options={plugins.map((p) => ({ value: p.path }))}
          showSearch={{ filterOption: (text, option) => (option?.value ?? '').includes(text) }}
          placeholder="/usr/lib/nagios/plugins/check_disk"
        />
      </Form.Item>
      <Form.Item name="args" label={t('plugin.args')} extra={t('plugin.argsHelp')}>
        <Input.TextArea className="mono" rows={4} placeholder={'-w\n20%\n-c\n10%'} spellCheck={false} />
      </Form.Item>
      <Form.Item name="title" label={t('col.title')} extra={t('plugin.titleHelp')}>
        <Input maxLength={100} autoComplete="off" />
      </Form.Item>
      <Form.Item name="class" label={t('col.class')}>
        <Select options={checkClasses.map((c) => ({ value: c, label: t(`parts:class.${c}`) }))} />
      </Form.Item>
      <Form.Item name="timeout_seconds" label={t('manifest.timeout')}>
        <InputNumber min={1} max={300} precision={0} style={{ width: '100%' }} />
      </Form.Item>
      <Form.Item name="secret_env" label={t('plugin.secretEnv')} extra={t('plugin.secretHelp')}>
        <Input className="mono" placeholder="PGPASSWORD" autoComplete="off" />
      </Form.Item>
      <Form.Item name="secret" label={t('plugin.secret')}>
        <Input.Password autoComplete="new-password" />
      </Form.Item>
    </FormDrawer>
  )
}
