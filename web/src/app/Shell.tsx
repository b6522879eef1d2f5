import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Outlet, useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { meQuery } from '@/shared/api/me'
import { useKeys, type KeyMap } from '@/shared/lib/keys'
import { connectLive } from '@/shared/lib/live'
import { usePerm } from '@/shared/lib/perm'
import { useStore } from '@/shared/lib/store'
import { nav } from './features'
import { Header } from './Header'
import { useIdleLock } from './idle'
import { lock } from './SessionGate'
import './shell.css'
import { Sider } from './Sider'

const loadPalette = () => import('./CommandPalette')
const CommandPalette = lazy(loadPalette)
const KeyHelp = lazy(() => import('./KeyHelp'))

/** The frame around every page that needs a session. */
export function Shell() {
  const { t } = useTranslation()
  const client = useQueryClient()
  const navigate = useNavigate()
  const may = usePerm()
  const me = useQuery(meQuery).data
  const locked = useStore(lock) !== null
  const palette = useDialog()
  const help = useDialog()

  useIdleLock(me?.session.idle_timeout_seconds)
  useEffect(() => (locked ? undefined : connectLive(client)), [client, locked])

  // Fetched when the page is at rest, so that Ctrl K opens at once.
  useEffect(() => {
    const timer = setTimeout(() => void loadPalette(), 2_000)
    return () => clearTimeout(timer)
  }, [])

  const keys: KeyMap = { 'mod+k': palette.show, '?': help.show }
  for (const entry of nav)
    if (entry.key && may(entry.perm)) keys[`g ${entry.key}`] = () => void navigate({ to: entry.to })
  useKeys(keys, !locked)

  return (
    <div className="shell" aria-hidden={locked || undefined} inert={locked}>
      <a className="skip-link" href="#main">
        {t('header.skip')}
      </a>
      <Sider />
      <div className="shell-column">
        <Header onSearch={palette.show} onHelp={help.show} />
        <main id="main" className="shell-main" tabIndex={-1}>
          {me?.mode === 'trial' && <div className="print-trial">{t('trial.mark')}</div>}
          <Outlet />
        </main>
      </div>
      <Suspense>
        {palette.used && <CommandPalette open={palette.open} onClose={palette.hide} onHelp={help.show} />}
        {help.used && <KeyHelp open={help.open} onClose={help.hide} />}
      </Suspense>
    </div>
  )
}

/** A dialog whose code is loaded at its first use, and which then stays so that closing gives the focus back. */
function useDialog() {
  const [open, setOpen] = useState<boolean>()
  return { used: open !== undefined, open: open ?? false, show: () => setOpen(true), hide: () => setOpen(false) }
}
