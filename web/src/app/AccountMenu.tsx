import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Dropdown, type MenuProps } from 'antd'
import { useTranslation } from 'react-i18next'
import { useMe } from '@/shared/api/me'
import { signOut } from '@/shared/api/session'
import { useShowError } from '@/shared/lib/errors'
import { setPrefs, usePrefs } from '@/shared/lib/prefs'

export function useSignOut(): () => Promise<void> {
  const client = useQueryClient()
  const navigate = useNavigate()
  const showError = useShowError()
  return async () => {
    try {
      await signOut()
      await navigate({ to: '/sign-in', search: {} })
      client.clear()
    } catch (error) {
      showError(error)
    }
  }
}

export function AccountMenu({ onHelp }: { onHelp: () => void }) {
  const { t } = useTranslation()
  const me = useMe()
  const navigate = useNavigate()
  const { singleKeys } = usePrefs()
  const leave = useSignOut()
  if (!me) return null
  const items: MenuProps['items'] = [
    { key: 'profile', label: t('menu.profile'), onClick: () => void navigate({ to: '/profile' }) },
    { key: 'help', label: t('menu.help'), extra: '?', onClick: onHelp },
    {
      key: 'keys',
      label: t('menu.singleKeys'),
      extra: singleKeys ? '✓' : '',
      onClick: () => setPrefs({ singleKeys: !singleKeys }),
    },
    { type: 'divider' },
    { key: 'out', label: t('menu.signOut'), onClick: () => void leave() },
  ]
  return (
    <Dropdown trigger={['click']} placement="bottomRight" menu={{ items, style: { minWidth: 200 } }}>
      <button type="button" className="account-button">
        <span className="avatar" aria-hidden="true" data-initial={Array.from(me.account.display_name)[0] ?? '?'} />
        <span className="account-name">{me.account.display_name}</span>
      </button>
    </Dropdown>
  )
}
