import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Button, Drawer, Form, Input, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMe } from '@/shared/api/me'
import { useOrgNames } from '@/shared/api/org'
import { Can } from '@/shared/lib/perm'
import { CopyText } from '@/shared/ui/CopyText'
import { FormDrawer } from '@/shared/ui/FormDrawer'
import { LocalTable } from '@/shared/ui/LocalTable'
import { Notice } from '@/shared/ui/Notice'
import { ReasonModal } from '@/shared/ui/ReasonModal'
import { StateTag } from '@/shared/ui/StateTag'
import { StateView } from '@/shared/ui/StateView'
import { Ago } from '@/shared/ui/Time'
import { addSource, module, revokeSource, sourcesQuery, type Source } from '../queries'

interface Values {
  name: string
  area_path: string
  system_id: string
}

/** The Zabbix servers that may send, and their tokens, each shown once. */
export function Sources({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation('parallel')
  const me = useMe()
  const client = useQueryClient()
  const { areas, systems, areaName, systemName } = useOrgNames()
  const sources = useQuery({ ...sourcesQuery, enabled: open })
  const [adding, setAdding] = useState(false)
  const [token, setToken] = useState<string>()
  const [revoking, setRevoking] = useState<Source>()
  const again = () => client.invalidateQueries({ queryKey: [module] })
  const close = () => {
    setToken(undefined)
    onClose()
  }
  return (
    <Drawer open={open} onClose={close} title={t('sources.title')} size={720}>
      <div className="stack">
        <p className="soft">{t('sources.help')}</p>
        {token && (
          <Notice tone="warning">
            <div className="stack">
              <span>{t('sources.once')}</span>
              <CopyText text={token} primary />
              <span>{t('sources.address')}</span>
              <CopyText text={`${window.location.origin}/api/v1/intake/zabbix/events`} />
            </div>
          </Notice>
        )}
        <Can perm="parallel.source.manage">
          <div>
            <Button type="primary" onClick={() => setAdding(true)}>
              {t('sources.add')}
            </Button>
          </div>
        </Can>
        <StateView query={sources}>
          {(all) => (
            <LocalTable<Source>
              label={t('sources.title')}
              rows={all}
              rowKey={(s) => s.id}
              columns={[
                {
                  key: 'state',
                  title: t('sources.state'),
                  width: 100,
                  render: (s) => (
                    <StateTag tone={s.state === 'active' ? 'ok' : 'absent'} text={t(`sources.${s.state}`)} />
                  ),
                },
                { key: 'name', title: t('sources.name'), width: 200, render: (s) => s.name },
                {
                  key: 'last',
                  title: t('sources.last'),
                  width: 140,
                  render: (s) =>
                    s.last_at ? <Ago value={s.last_at} /> : <span className="muted">{t('sources.never')}</span>,
                },
                { key: 'by', title: t('sources.by'), width: 110, render: (s) => s.created_by_name },
                {
                  key: 'revoke',
                  title: '',
                  width: 90,
                  render: (s) =>
                    s.state === 'active' && (
                      <Can perm="parallel.source.manage">
                        <Button size="small" danger onClick={() => setRevoking(s)}>
                          {t('sources.revoke')}
                        </Button>
                      </Can>
                    ),
                },
              ]}
            />
          )}
        </StateView>
      </div>
      <FormDrawer<Values>
        open={adding}
        title={t('sources.add')}
        initialValues={{ area_path: me?.installation.area_path }}
        onClose={() => setAdding(false)}
        onSubmit={async (values, key) => {
          const made = await addSource({ ...values, name: values.name.trim() }, key)
          setToken(made.token)
          setAdding(false)
          await again()
        }}
      >
        <Form.Item name="name" label={t('sources.name')} rules={[{ required: true, whitespace: true }]}>
          <Input maxLength={100} autoFocus />
        </Form.Item>
        <Form.Item
          name="area_path"
          label={t('sources.area')}
          extra={t('sources.areaHelp')}
          rules={[{ required: true }]}
        >
          <Select
            showSearch={{ optionFilterProp: 'label' }}
            options={areas.map((area) => ({ value: area.path, label: areaName(area.path) }))}
          />
        </Form.Item>
        <Form.Item name="system_id" label={t('sources.system')} rules={[{ required: true }]}>
          <Select options={systems.map((s) => ({ value: s.id, label: systemName(s.id) }))} />
        </Form.Item>
      </FormDrawer>
      <ReasonModal
        open={revoking !== undefined}
        title={t('sources.revokeTitle', { name: revoking?.name })}
        body={t('sources.revokeBody')}
        okText={t('sources.revoke')}
        danger
        onOk={async (reason) => {
          await revokeSource(revoking!.id, { reason, version: revoking!.version })
          await again()
        }}
        onClose={() => setRevoking(undefined)}
      />
    </Drawer>
  )
}
