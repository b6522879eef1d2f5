import { PlusOutlined } from '@ant-design/icons'
import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useOrgNames } from '@/shared/api/org'
import { loginChoicesQuery } from '@/shared/api/reach'
import { useAction } from '@/shared/lib/action'
import { Can, usePerm } from '@/shared/lib/perm'
import { DataTable, type Column } from '@/shared/ui/DataTable'
import { PageHeader } from '@/shared/ui/PageHeader'
import { ReasonModal } from '@/shared/ui/ReasonModal'
import { StateTag } from '@/shared/ui/StateTag'
import { Empty } from '@/shared/ui/StateView'
import { Time } from '@/shared/ui/Time'
import { useQuery } from '@tanstack/react-query'
import { LoginForm } from './components/LoginForm'
import { TryModal } from './components/TryModal'
import { fetchLogins, keys, module, removeLogin, type Login } from './queries'

/** Ways into hosts that have no agent. */
export default function LoginsPage() {
  const { t } = useTranslation('reach')
  const { areaName, systemName } = useOrgNames()
  const mayManage = usePerm()('inspect.manage')
  const [total, setTotal] = useState('')
  const [form, setForm] = useState<{ login?: Login }>()
  const [trying, setTrying] = useState<string>()
  const [removing, setRemoving] = useState<Login>()
  const choices = useQuery(loginChoicesQuery).data ?? []
  const remove = useAction(({ login, reason }: { login: Login; reason: string }) => removeLogin(login, reason), {
    module,
    success: t('login.removed'),
    quiet: true,
  })
  const nameOf = (id: string) => choices.find((login) => login.id === id)?.name ?? id

  const add = (
    <Can perm="inspect.manage">
      <Button type="primary" icon={<PlusOutlined />} onClick={() => setForm({})}>
        {t('login.add')}
      </Button>
    </Can>
  )
  const columns: Column<Login>[] = [
    {
      key: 'name',
      title: t('login.name'),
      width: 140,
      sort: 'name',
      render: (l) => <span className="mono">{l.name}</span>,
    },
    {
      key: 'address',
      title: t('login.address'),
      width: 240,
      ellipsis: true,
      render: (l) => (
        <span className="mono">
          {l.account}@{l.host}:{l.port}
        </span>
      ),
    },
    {
      key: 'jump',
      title: t('login.jump'),
      width: 120,
      render: (l) =>
        l.jump_id ? (
          <span className="mono">{nameOf(l.jump_id)}</span>
        ) : (
          <span className="muted">{t('login.direct')}</span>
        ),
    },
    {
      key: 'method',
      title: t('login.method'),
      width: 90,
      render: (l) => t(l.method === 'key' ? 'login.byKey' : 'login.byPassword'),
    },
    {
      key: 'key',
      title: t('login.hostKey'),
      width: 220,
      ellipsis: true,
      render: (l) =>
        l.fingerprint ? (
          <span title={l.fingerprint}>
            <StateTag tone="quiet" text={t('login.accepted')} /> <span className="soft">{l.accepted_by_name}</span>{' '}
            {l.accepted_at && <Time value={l.accepted_at} />}
          </span>
        ) : (
          <StateTag tone="unknown" text={t('login.notAccepted')} />
        ),
    },
    {
      key: 'place',
      title: t('login.place'),
      width: 180,
      ellipsis: true,
      render: (l) => (
        <span className="soft">
          {areaName(l.area_path)} · {systemName(l.system_id)}
        </span>
      ),
    },
    {
      key: 'acts',
      title: '',
      width: 190,
      align: 'right',
      render: (l) =>
        mayManage && (
          <span className="row" style={{ justifyContent: 'flex-end' }}>
            <Button
              size="small"
              onClick={(event) => {
                event.stopPropagation()
                setTrying(l.id)
              }}
            >
              {t(l.fingerprint ? 'login.try' : 'login.accept')}
            </Button>
            <Button
              size="small"
              onClick={(event) => {
                event.stopPropagation()
                setRemoving(l)
              }}
            >
              {t('login.remove')}
            </Button>
          </span>
        ),
    },
  ]

  return (
    <>
      <PageHeader title={t('logins.title')} meta={total} actions={add} />
      <DataTable<Login>
        queryKey={keys.logins}
        fetch={fetchLogins}
        columns={columns}
        rowKey={(l) => l.id}
        filterKeys={['q']}
        defaultSort="name"
        searchPlaceholder={t('logins.search')}
        onTotal={setTotal}
        onOpen={mayManage ? (l) => setForm({ login: l }) : undefined}
        empty={<Empty text={t('logins.empty')} hint={t('logins.emptyHint')} action={add} />}
      />
      <LoginForm
        key={form?.login?.id ?? 'new'}
        open={form !== undefined}
        login={form?.login}
        onClose={() => setForm(undefined)}
        onSaved={(login) => !login.fingerprint && setTrying(login.id)}
      />
      <TryModal login={choices.find((login) => login.id === trying)} onClose={() => setTrying(undefined)} />
      <ReasonModal
        open={removing !== undefined}
        title={t('login.removeTitle', { name: removing?.name })}
        body={t('login.removeBody')}
        okText={t('login.remove')}
        danger
        onOk={(reason) => remove.mutateAsync({ login: removing!, reason })}
        onClose={() => setRemoving(undefined)}
      />
    </>
  )
}
