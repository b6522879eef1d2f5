import { App, Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'
import { useQueryClient } from '@tanstack/react-query'
import { isApiError } from '@/shared/api/client'
import type { Account, Grant } from '@/shared/api/types'
import { usePerm } from '@/shared/lib/perm'
import { FormDrawer } from '@/shared/ui/FormDrawer'
import { changeAccount, createAccount, module } from '../queries'
import { GrantList, GrantsEditor } from './GrantsEditor'
import type { ShownInvitation } from './InvitationModal'

interface Values {
  login: string
  display_name: string
  grants: Grant[]
}

interface Props {
  open: boolean
  /** The account to change; without it a new one is made. */
  account?: Account
  onClose: () => void
  onInvited: (invitation: ShownInvitation) => void
}

export function AccountForm({ open, account, onClose, onInvited }: Props) {
  const { t } = useTranslation('access')
  const { message } = App.useApp()
  const client = useQueryClient()
  const may = usePerm()
  const mayName = may('access.account.manage')
  const mayGrant = may('access.role.grant')
  const required = (label: string) => [{ required: true, whitespace: true, message: t('form.required', { label }) }]

  const submit = async (values: Values, idempotencyKey: string) => {
    const display_name = values.display_name.trim()
    if (account) {
      await changeAccount(account.id, {
        display_name: mayName && display_name !== account.display_name ? display_name : undefined,
        grants: mayGrant ? values.grants : undefined,
        version: account.version,
      }).catch((error: unknown) => {
        if (isApiError(error, 'stale')) void client.invalidateQueries({ queryKey: [module] })
        throw error
      })
      void message.success(t('account.saved'))
    } else {
      const made = await createAccount(
        { login: values.login.trim(), display_name, grants: mayGrant ? values.grants : [] },
        idempotencyKey,
      )
      onInvited({ invitation_url: made.invitation_url, expires_at: made.expires_at, display_name })
    }
    onClose()
    await client.invalidateQueries({ queryKey: [module] })
  }

  return (
    <FormDrawer<Values>
      open={open}
      width={640}
      title={account ? t('account.editTitle', { name: account.display_name }) : t('account.newTitle')}
      submitText={account ? t('actions.save') : t('account.createSubmit')}
      initialValues={account ? { display_name: account.display_name, grants: account.grants } : { grants: [] }}
      onSubmit={submit}
      onClose={onClose}
    >
      <Form.Item name="display_name" label={t('account.displayName')} rules={required(t('account.displayName'))}>
        <Input autoFocus={mayName} disabled={!mayName} maxLength={40} autoComplete="off" />
      </Form.Item>
      {account ? (
        <Form.Item label={t('signIn.login')}>
          <Input value={account.login} disabled />
        </Form.Item>
      ) : (
        <Form.Item
          name="login"
          label={t('signIn.login')}
          extra={t('account.loginHelp')}
          rules={required(t('signIn.login'))}
        >
          <Input maxLength={64} autoComplete="off" spellCheck={false} />
        </Form.Item>
      )}
      {mayGrant ? (
        <Form.Item
          name="grants"
          validateTrigger={[]}
          label={t('grants.title')}
          extra={t('grants.help')}
          rules={[
            {
              validator: (_, grants: Grant[] | undefined) =>
                (grants ?? []).every((grant) => grant.role)
                  ? Promise.resolve()
                  : Promise.reject(new Error(t('grants.incomplete'))),
            },
          ]}
        >
          <GrantsEditor />
        </Form.Item>
      ) : (
        <Form.Item label={t('grants.title')}>
          {account && <GrantList grants={account.grants} />}
          <div className="meta">{t('grants.needRole')}</div>
        </Form.Item>
      )}
    </FormDrawer>
  )
}
