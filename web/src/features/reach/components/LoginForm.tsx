import { useQueryClient } from '@tanstack/react-query'
import { Form, Input, InputNumber, Segmented, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { useMe } from '@/shared/api/me'
import { useOrgNames } from '@/shared/api/org'
import { FormDrawer } from '@/shared/ui/FormDrawer'
import { LoginSelect } from '@/shared/ui/LoginSelect'
import { changeLogin, createLogin, module, type Login } from '../queries'

interface Values {
  name: string
  host: string
  port: number
  account: string
  jump_id?: string
  note?: string
  method: 'password' | 'key'
  password?: string
  key?: string
  passphrase?: string
  area_path: string
  system_id: string
}

interface Props {
  open: boolean
  login?: Login
  onClose: () => void
  onSaved: (login: Login) => void
}

/** A way into a host. What signs in is written, never shown; a change of address asks for it again. */
export function LoginForm({ open, login, onClose, onSaved }: Props) {
  const { t } = useTranslation('reach')
  const me = useMe()
  const client = useQueryClient()
  const { areas, systems, areaName, systemName } = useOrgNames()
  const required = (label: string) => [{ required: true, message: t('form.required', { label }) }]
  return (
    <FormDrawer<Values>
      open={open}
      title={login ? t('login.editTitle', { name: login.name }) : t('login.addTitle')}
      submitText={login ? undefined : t('login.add')}
      initialValues={{
        name: login?.name,
        host: login?.host,
        port: login?.port ?? 22,
        account: login?.account ?? 'taxops',
        jump_id: login?.jump_id || undefined,
        note: login?.note,
        method: login?.method ?? 'key',
        area_path: login?.area_path ?? me?.installation.area_path,
        system_id: login?.system_id,
      }}
      onClose={onClose}
      onSubmit={async (values, idempotencyKey) => {
        const body = {
          host: values.host.trim(),
          port: values.port,
          account: values.account.trim(),
          jump_id: values.jump_id ?? '',
          note: values.note?.trim() ?? '',
          ...(values.method === 'password'
            ? { password: values.password || undefined }
            : { key: values.key || undefined, passphrase: values.passphrase || undefined }),
        }
        const saved = login
          ? await changeLogin(login.id, { ...body, version: login.version })
          : await createLogin(
              { ...body, name: values.name.trim(), area_path: values.area_path, system_id: values.system_id },
              idempotencyKey,
            )
        await client.invalidateQueries({ queryKey: [module] })
        onClose()
        onSaved(saved)
      }}
    >
      {(form) => (
        <>
          {!login && (
            <Form.Item
              name="name"
              label={t('login.name')}
              extra={t('login.nameHelp')}
              rules={required(t('login.name'))}
            >
              <Input maxLength={40} autoComplete="off" className="mono" placeholder="db01" />
            </Form.Item>
          )}
          <Form.Item name="host" label={t('login.host')} rules={required(t('login.host'))}>
            <Input maxLength={253} autoComplete="off" className="mono" placeholder="10.0.0.8" />
          </Form.Item>
          <Form.Item name="port" label={t('login.port')} rules={required(t('login.port'))}>
            <InputNumber min={1} max={65535} precision={0} style={{ width: '100%' }} />
          </Form.Item>
          <Form.Item
            name="account"
            label={t('login.account')}
            extra={t('login.accountHelp')}
            rules={required(t('login.account'))}
          >
            <Input maxLength={64} autoComplete="off" className="mono" />
          </Form.Item>
          <Form.Item name="method" label={t('login.method')}>
            <Segmented
              options={[
                { value: 'key', label: t('login.byKey') },
                { value: 'password', label: t('login.byPassword') },
              ]}
            />
          </Form.Item>
          <Form.Item noStyle shouldUpdate={(a: Values, b: Values) => a.method !== b.method}>
            {() => {
              const kept = login?.method === form.getFieldValue('method')
              return form.getFieldValue('method') === 'password' ? (
                <Form.Item
                  name="password"
                  label={t('login.password')}
                  extra={t(kept ? 'login.keptHelp' : 'login.secretHelp')}
                  rules={kept ? [] : required(t('login.password'))}
                >
                  <Input.Password autoComplete="new-password" placeholder={kept ? t('login.kept') : undefined} />
                </Form.Item>
              ) : (
                <>
                  <Form.Item
                    name="key"
                    label={t('login.key')}
                    extra={t(kept ? 'login.keptHelp' : 'login.secretHelp')}
                    rules={kept ? [] : required(t('login.key'))}
                  >
                    <Input.TextArea
                      rows={5}
                      className="mono"
                      spellCheck={false}
                      placeholder={kept ? t('login.kept') : '-----BEGIN OPENSSH PRIVATE KEY-----'}
                    />
                  </Form.Item>
                  <Form.Item name="passphrase" label={t('login.passphrase')}>
                    <Input.Password autoComplete="new-password" />
                  </Form.Item>
                </>
              )
            }}
          </Form.Item>
          <Form.Item name="jump_id" label={t('login.jump')} extra={t('login.jumpHelp')}>
            <LoginSelect by="id" label={t('login.direct')} except={login?.id} />
          </Form.Item>
          {!login && (
            <>
              <Form.Item name="area_path" label={t('login.area')} rules={required(t('login.area'))}>
                <Select
                  showSearch={{ optionFilterProp: 'label' }}
                  options={areas.map((area) => ({ value: area.path, label: areaName(area.path) }))}
                />
              </Form.Item>
              <Form.Item name="system_id" label={t('login.system')} rules={required(t('login.system'))}>
                <Select options={systems.map((system) => ({ value: system.id, label: systemName(system.id) }))} />
              </Form.Item>
            </>
          )}
          <Form.Item name="note" label={t('login.note')}>
            <Input.TextArea rows={2} maxLength={500} />
          </Form.Item>
        </>
      )}
    </FormDrawer>
  )
}
