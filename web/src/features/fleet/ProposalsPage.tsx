import { useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { App, Button, Form, Input, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useOrgNames } from '@/shared/api/org'
import { Can } from '@/shared/lib/perm'
import { CountTabs } from '@/shared/ui/CountTabs'
import { DataTable, type Column } from '@/shared/ui/DataTable'
import { FormDrawer } from '@/shared/ui/FormDrawer'
import { PageHeader } from '@/shared/ui/PageHeader'
import { ReasonModal } from '@/shared/ui/ReasonModal'
import { StateTag, type Tone } from '@/shared/ui/StateTag'
import { Empty } from '@/shared/ui/StateView'
import { Ago } from '@/shared/ui/Time'
import { acceptProposal, declineProposal, fetchProposals, keys, module, type Proposal } from './queries'

const filterKeys = ['state'] as const
const tones: Record<Proposal['state'], Tone> = { open: 'info', accepted: 'ok', declined: 'absent' }

/** Services that were seen and are not in the register: a person takes each in, or does not. */
export default function ProposalsPage() {
  const { t } = useTranslation('fleet')
  const { message } = App.useApp()
  const client = useQueryClient()
  const { systems, systemName } = useOrgNames()
  const [total, setTotal] = useState('')
  const [accepting, setAccepting] = useState<Proposal>()
  const [declining, setDeclining] = useState<Proposal>()
  const again = () => client.invalidateQueries({ queryKey: [module] })
  const columns: Column<Proposal>[] = [
    {
      key: 'state',
      title: t('proposals.col.state'),
      width: 100,
      render: (p) => <StateTag tone={tones[p.state]} text={t(`proposals.state.${p.state}`)} />,
    },
    {
      key: 'name',
      title: t('proposals.col.name'),
      width: 200,
      render: (p) => (p.asset_id ? <Link to={`/fleet/assets/${p.asset_id}` as string}>{p.name}</Link> : p.name),
    },
    {
      key: 'host',
      title: t('proposals.col.host'),
      width: 170,
      render: (p) => <Link to={`/fleet/assets/${p.host_id}` as string}>{p.host_name}</Link>,
    },
    {
      key: 'why',
      title: t('proposals.col.why'),
      width: 230,
      ellipsis: true,
      render: (p) => <span className="soft mono">{p.why}</span>,
    },
    {
      key: 'seen',
      title: t('proposals.col.seen'),
      width: 110,
      sort: 'seen_at',
      render: (p) => <Ago value={p.seen_at} />,
    },
    {
      key: 'decided',
      title: t('proposals.col.decided'),
      width: 230,
      render: (p) => (
        <div className="row">
          {p.state !== 'accepted' && (
            <Can perm="fleet.manage">
              <Button size="small" onClick={() => setAccepting(p)}>
                {t('proposals.accept')}
              </Button>
              {p.state === 'open' && (
                <Button size="small" onClick={() => setDeclining(p)}>
                  {t('proposals.decline')}
                </Button>
              )}
            </Can>
          )}
          {p.state !== 'open' && (
            <span className="meta">{[p.decided_by_name, p.reason].filter(Boolean).join(' · ')}</span>
          )}
        </div>
      ),
    },
  ]
  return (
    <>
      <PageHeader title={t('proposals.title')} meta={total} />
      <DataTable<Proposal>
        queryKey={keys.proposals}
        fetch={fetchProposals}
        columns={columns}
        rowKey={(p) => p.id}
        filterKeys={filterKeys}
        onTotal={setTotal}
        head={
          <CountTabs
            name="state"
            label={t('proposals.col.state')}
            tabs={[
              { value: '', label: t('proposals.all') },
              ...(['open', 'accepted', 'declined'] as const).map((value) => ({
                value,
                label: t(`proposals.state.${value}`),
              })),
            ]}
          />
        }
        empty={<Empty text={t('proposals.empty')} hint={t('proposals.emptyHint')} />}
      />
      <FormDrawer<{ name: string; system_id: string }>
        open={accepting !== undefined}
        title={t('proposals.acceptTitle')}
        submitText={t('proposals.accept')}
        initialValues={{ name: accepting?.name, system_id: accepting?.system_id }}
        onClose={() => setAccepting(undefined)}
        onSubmit={async (values) => {
          await acceptProposal(accepting!.id, { ...values, version: accepting!.version })
          await again()
          void message.success(t('proposals.accepted'))
          setAccepting(undefined)
        }}
      >
        <Form.Item name="name" label={t('proposals.name')} rules={[{ required: true }]}>
          <Input maxLength={100} autoComplete="off" />
        </Form.Item>
        <Form.Item name="system_id" label={t('proposals.system')} rules={[{ required: true }]}>
          <Select options={systems.map((s) => ({ value: s.id, label: systemName(s.id) }))} />
        </Form.Item>
      </FormDrawer>
      <ReasonModal
        open={declining !== undefined}
        title={t('proposals.declineTitle', { name: declining?.name })}
        okText={t('proposals.decline')}
        onOk={async (reason) => {
          await declineProposal(declining!.id, { reason, version: declining!.version })
          void message.success(t('proposals.declined'))
          await again()
        }}
        onClose={() => setDeclining(undefined)}
      />
    </>
  )
}
