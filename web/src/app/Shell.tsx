import { Outlet } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { meQuery } from '@/shared/api/me'
import { useKeys, type KeyMap } from '@/shared/lib/keys'
import { connectLive } from '@/shared/lib/live'
import { usePerm } from '@/shared/lib/perm'
import { CommandPalette } from './CommandPalette'
import { nav } from './features'
import { Header } from './Header'
import { KeyHelp } from './KeyHelp'
import { useIdleLock } from './idle'
import { lock } from './SessionGate'
import { useStore } from '@/shared/lib/store'
import './shell.css'
import { Sider } from './Sider'

/** The frame around every page that needs a session. */
export function Shell() {
  const { t } = useTranslation()
  const client = useQueryClient()
  const navigate = useNavigate()
  const may = usePerm()
  const me = useQuery(meQuery).data
  const locked = useStore(lock) !== null
  const [palette, setPalette] = useState(false)
  const [help, setHelp] = useState(false)

  useIdleLock(me?.session.idle_timeout_seconds)
  useEffect(() => (locked ? undefined : connectLive(client)), [client, locked])

  const keys: KeyMap = { 'mod+k': () => setPalette(true), '?': () => setHelp(true) }
  for (const entry of nav)
    if (entry.key && may(entry.perm)) keys[`g ${entry.key}`] = () => void navigate({ to: entry.to })
  useKeys(keys, !locked)

  return (
    <div className="shell" aria-hidden={locked || undefined}>
      <a className="skip-link" href="#main">
        {t('header.skip')}
      </a>
      <Sider />
      <div className="shell-column">
        <Header onSearch={() => setPalette(true)} onHelp={() => setHelp(true)} />
        <main id="main" className="shell-main" tabIndex={-1}>
          {me?.mode === 'trial' && <div className="print-trial">{t('trial.mark')}</div>}
          <Outlet />
        </main>
      </div>
      <CommandPalette open={palette} onClose={() => setPalette(false)} onHelp={() => setHelp(true)} />
      <KeyHelp open={help} onClose={() => setHelp(false)} />
    </div>
  )
}
