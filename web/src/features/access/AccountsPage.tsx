import { PlusOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Account } from '@/shared/api/types'
import { useLocalized } from '@/shared/lib/localized'
import { Can } from '@/shared/lib/perm'
import { useFilters } from '@/shared/lib/search'
import { DataTable, type Column } from '@/shared/ui/DataTable'
import { FilterSelect } from '@/shared/ui/FilterSelect'
import { PageHeader } from '@/shared/ui/PageHeader'
import { Ago, Time } from '@/shared/ui/Time'
import { AccountDrawer } from './components/AccountDrawer'
import { AccountForm } from './components/AccountForm'
import { AccountStateTag } from './components/AccountState'
import { GrantList } from './components/GrantsEditor'
import { InvitationModal, type ShownInvitation } from './components/InvitationModal'
import { fetchAccounts, keys, rolesQuery } from './queries'

const filterKeys = ['q', 'state', 'role'] as const
const states = ['invited', 'active', 'disabled', 'removed'] as const

export default function AccountsPage() {
  const { t } = useTranslation('access')
  const { title } = useLocalized()
  const roles = useQuery(rolesQuery).data ?? []
  const [search, change] = useFilters<'open'>()
  const [editing, setEditing] = useState<Account | 'new'>()
  const [invitation, setInvitation] = useState<ShownInvitation>()
  const [total, setTotal] = useState('')

  const columns: Column<Account>[] = [
    {
      key: 'display_name',
      title: t('account.displayName'),
      width: 220,
      sort: 'display_name',
      render: (account) => (
        <Link to="." search={((old: object) => ({ ...old, open: account.id })) as never}>
          {account.display_name || t('state.erased')}
        </Link>
      ),
    },
    {
      key: 'login',
      title: t('signIn.login'),
      width: 160,
      sort: 'login',
      ellipsis: true,
      render: (account) => <span className="mono soft">{account.login}</span>,
    },
    {
      key: 'state',
      title: t('account.state'),
      width: 110,
      render: (account) => <AccountStateTag account={account} />,
    },
    {
      key: 'grants',
      title: t('grants.title'),
      width: 320,
      render: (account) => <GrantList grants={account.grants} max={2} />,
    },
    {
      key: 'totp',
      title: t('account.totp'),
      width: 100,
      render: (account) =>
        account.totp_enabled ? t('account.totpOn') : <span className="muted">{t('account.totpOff')}</span>,
    },
    {
      key: 'last',
      title: t('account.lastSignIn'),
      width: 130,
      render: (account) =>
        account.last_sign_in_at ? (
          <Ago value={account.last_sign_in_at} />
        ) : (
          <span className="muted">{t('account.never')}</span>
        ),
    },
    {
      key: 'created',
      title: t('account.created'),
      width: 130,
      sort: 'created_at',
      render: (account) => <Time value={account.created_at} />,
    },
  ]

  return (
    <>
      <PageHeader
        title={t('accounts.title')}
        meta={total}
        actions={
          <Can perm="access.account.manage">
            <Button type="primary" icon={<PlusOutlined />} onClick={() => setEditing('new')}>
              {t('account.new')}
            </Button>
          </Can>
        }
      />
      <DataTable<Account>
        queryKey={keys.accounts}
        fetch={fetchAccounts}
        columns={columns}
        rowKey={(account) => account.id}
        filterKeys={filterKeys}
        searchPlaceholder={t('accounts.search')}
        exportPath="/access/accounts/export"
        onTotal={setTotal}
        openKey={search.open}
        onOpen={(account) => change({ open: account.id })}
        filters={
          <>
            <FilterSelect
              name="state"
              label={t('account.state')}
              options={states.map((state) => ({ value: state, label: t(`state.${state}`) }))}
            />
            <FilterSelect
              name="role"
              label={t('grants.role')}
              options={roles.map((role) => ({ value: role.role, label: title(role) }))}
            />
          </>
        }
      />
      <AccountDrawer
        id={search.open}
        onClose={() => change({ open: undefined })}
        onEdit={setEditing}
        onInvited={setInvitation}
      />
      <AccountForm
        open={editing !== undefined}
        account={editing === 'new' ? undefined : editing}
        onClose={() => setEditing(undefined)}
        onInvited={setInvitation}
      />
      <InvitationModal invitation={invitation} onClose={() => setInvitation(undefined)} />
    </>
  )
}
