import { MoreOutlined } from '@ant-design/icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { App, Button, Drawer, Dropdown } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMe } from '@/shared/api/me'
import type { Account } from '@/shared/api/types'
import { useAction } from '@/shared/lib/action'
import { Can, usePerm } from '@/shared/lib/perm'
import { ReasonModal } from '@/shared/ui/ReasonModal'
import { StateView } from '@/shared/ui/StateView'
import { Ago, Time } from '@/shared/ui/Time'
import { accountQuery, actOnAccount, confirmAccount, inviteAgain, module, type AccountAct } from '../queries'
import { AccountStateTag } from './AccountState'
import { GrantList } from './GrantsEditor'
import type { ShownInvitation } from './InvitationModal'

interface Props {
  id?: string
  onClose: () => void
  onEdit: (account: Account) => void
  onInvited: (invitation: ShownInvitation) => void
}

/** One account: what it may do, and what can be done with it. */
export function AccountDrawer({ id, onClose, onEdit, onInvited }: Props) {
  const { t } = useTranslation('access')
  const query = useQuery({ ...accountQuery(id ?? ''), enabled: id !== undefined })
  const account = id === undefined ? undefined : query.data
  return (
    <Drawer
      open={id !== undefined}
      onClose={onClose}
      size={520}
      title={account?.display_name || t('account.title')}
      extra={account && <AccountActions account={account} onEdit={onEdit} onInvited={onInvited} />}
    >
      {id !== undefined && <StateView query={query}>{(found) => <AccountFacts account={found} />}</StateView>}
    </Drawer>
  )
}

function AccountFacts({ account }: { account: Account }) {
  const { t } = useTranslation('access')
  return (
    <dl className="facts">
      <dt>{t('signIn.login')}</dt>
      <dd className="mono">{account.login || <span className="muted">{t('state.erased')}</span>}</dd>
      <dt>{t('account.state')}</dt>
      <dd>
        <AccountStateTag account={account} />
      </dd>
      {(account.state === 'active' || account.awaits_confirmation) && (
        <>
          <dt>{t('account.person')}</dt>
          <dd>{t(account.confirmed ? 'account.confirmed' : 'account.unconfirmed')}</dd>
        </>
      )}
      <dt>{t('account.totp')}</dt>
      <dd>{account.totp_enabled ? t('account.totpOn') : t('account.totpOff')}</dd>
      <dt>{t('account.lastSignIn')}</dt>
      <dd>{account.last_sign_in_at ? <Ago value={account.last_sign_in_at} /> : t('account.never')}</dd>
      <dt>{t('account.created')}</dt>
      <dd>
        <Time value={account.created_at} format="minute" />
      </dd>
      <dt>{t('grants.title')}</dt>
      <dd>
        <GrantList grants={account.grants} />
      </dd>
      <Can perm="journal.read">
        <dt>{t('account.trail')}</dt>
        <dd>
          <Link to={'/journal' as string} search={{ actor_id: account.id } as never}>
            {t('account.trailLink')}
          </Link>
        </dd>
      </Can>
    </dl>
  )
}

/** Which acts make sense in which state. */
function actsFor(account: Account, self: boolean): AccountAct[] {
  if (account.erased) return []
  switch (account.state) {
    case 'active':
      return self ? [] : ['disable', 'remove']
    case 'invited':
      return ['disable', 'remove']
    case 'disabled':
      return ['enable', 'remove']
    case 'removed':
      return ['erase']
  }
}

function AccountActions({ account, onEdit, onInvited }: { account: Account } & Omit<Props, 'id' | 'onClose'>) {
  const { t } = useTranslation('access')
  const { modal, message } = App.useApp()
  const client = useQueryClient()
  const may = usePerm()
  const me = useMe()
  const [act, setAct] = useState<AccountAct>()
  const [confirming, setConfirming] = useState(false)
  const invite = useAction(() => inviteAgain(account.id), {
    module,
    onDone: (invitation) => onInvited({ ...invitation, display_name: account.display_name }),
  })

  const manage = may('access.account.manage')
  const acts = actsFor(account, account.id === me?.account.id).filter((a) =>
    a === 'erase' ? may('access.erase') : manage,
  )
  const canInvite = manage && (account.state === 'invited' || account.state === 'active')
  const canConfirm =
    me?.mode === 'production' &&
    may('access.account.confirm') &&
    account.id !== me.account.id &&
    (account.awaits_confirmation || (account.state === 'active' && !account.confirmed))
  const items = [
    ...(canConfirm ? [{ key: 'confirm', label: t('acts.confirm.menu'), onClick: () => setConfirming(true) }] : []),
    ...(canInvite
      ? [
          {
            key: 'invite',
            label: t('account.inviteAgain'),
            onClick: () =>
              void modal.confirm({
                title: t('account.inviteTitle', { name: account.display_name }),
                content: t(account.state === 'active' ? 'account.inviteReset' : 'account.inviteReplace'),
                okText: t('account.inviteOk'),
                cancelText: t('actions.cancel'),
                onOk: () => invite.mutateAsync(undefined).catch(() => undefined),
              }),
          },
        ]
      : []),
    ...acts.map((a) => ({
      key: a,
      label: t(`acts.${a}.menu`),
      danger: a === 'remove' || a === 'erase',
      onClick: () => setAct(a),
    })),
  ]

  const irreversible = act === 'remove' || act === 'erase'
  return (
    <div className="row">
      {account.state !== 'removed' && (manage || may('access.role.grant')) && (
        <Button onClick={() => onEdit(account)}>{t('actions.edit')}</Button>
      )}
      {items.length > 0 && (
        <Dropdown trigger={['click']} menu={{ items }}>
          <Button icon={<MoreOutlined />} aria-label={t('actions.more')} />
        </Dropdown>
      )}
      <ReasonModal
        open={confirming}
        title={t('acts.confirm.title', { name: account.display_name })}
        body={t('acts.confirm.body')}
        okText={t('acts.confirm.ok')}
        onOk={async (reason) => {
          try {
            await confirmAccount(account.id, reason, account.version)
            void message.success(t('acts.confirm.done'))
          } finally {
            void client.invalidateQueries({ queryKey: [module] })
          }
        }}
        onClose={() => setConfirming(false)}
      />
      <ReasonModal
        open={act !== undefined}
        title={act ? t(`acts.${act}.title`, { name: account.display_name || account.login }) : ''}
        body={act && t(`acts.${act}.body`)}
        okText={act ? t(`acts.${act}.ok`) : ''}
        danger={act !== 'enable'}
        confirmWord={irreversible ? account.login : undefined}
        onOk={async (reason) => {
          await actOnAccount(account.id, act!, reason)
          void message.success(t(`acts.${act!}.done`))
          void client.invalidateQueries({ queryKey: [module] })
        }}
        onClose={() => setAct(undefined)}
      />
    </div>
  )
}
