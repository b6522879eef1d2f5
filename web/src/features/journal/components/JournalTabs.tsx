import { Link, useLocation } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useWhole } from '@/shared/lib/perm'
import '@/shared/ui/counttabs.css'

const tabs = [
  { to: '/journal', key: 'rows' },
  { to: '/journal/verifications', key: 'verifications' },
  { to: '/journal/segments', key: 'segments' },
  { to: '/journal/subscriptions', key: 'subscriptions' },
]

/** The four pages of the journal; who sees a part of the installation sees the rows of that part only. */
export function JournalTabs() {
  const { t } = useTranslation('journal')
  const whole = useWhole()
  const path = useLocation({ select: (location) => location.pathname })
  return (
    <nav className="count-tabs no-print" aria-label={t('title')}>
      {(whole ? tabs : tabs.slice(0, 1)).map((tab) => (
        <Link
          key={tab.to}
          to={tab.to as string}
          activeOptions={{ exact: true }}
          className={`count-tab${path === tab.to ? ' active' : ''}`}
          aria-current={path === tab.to ? 'page' : undefined}
        >
          {t(`tabs.${tab.key}`)}
        </Link>
      ))}
    </nav>
  )
}
