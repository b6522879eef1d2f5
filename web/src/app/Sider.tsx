import { MenuFoldOutlined, MenuUnfoldOutlined } from '@ant-design/icons'
import { Link, useLocation } from '@tanstack/react-router'
import { Tooltip } from 'antd'
import { useTranslation } from 'react-i18next'
import { useMe } from '@/shared/api/me'
import { usePerm } from '@/shared/lib/perm'
import { setPrefs, usePrefs } from '@/shared/lib/prefs'
import { Logo } from '@/shared/ui/Logo'
import { nav, navEntryOf, navGroups } from './features'

export function Sider() {
  const { t } = useTranslation()
  const may = usePerm()
  const me = useMe()
  const { navCollapsed } = usePrefs()
  const path = useLocation({ select: (location) => location.pathname })
  const current = navEntryOf(path)
  const groups = navGroups
    .map((group) => ({ group, entries: nav.filter((entry) => entry.group === group && may(entry.perm)) }))
    .filter(({ entries }) => entries.length > 0)

  return (
    <aside className={`shell-sider${navCollapsed ? ' collapsed' : ''}`}>
      <Link to="/" className="brand" title={me?.installation.name || t('product')}>
        <Logo size={26} />
        <span className="brand-name">{t('product')}</span>
      </Link>
      <nav aria-label={t('nav.label')} className="shell-nav">
        {groups.map(({ group, entries }) => (
          <div key={group} className="nav-group">
            <div className="nav-group-label" id={`nav-${group}`}>
              {t(`nav.groups.${group}`)}
            </div>
            <ul aria-labelledby={`nav-${group}`}>
              {entries.map((entry) => {
                const active = entry === current
                const Icon = entry.icon
                const Badge = entry.badge
                return (
                  <li key={entry.to}>
                    <Tooltip title={navCollapsed ? t(entry.label) : undefined} placement="right">
                      <Link
                        to={entry.to as never}
                        className={`nav-item${active ? ' active' : ''}`}
                        aria-current={active ? 'page' : undefined}
                        aria-label={navCollapsed ? t(entry.label) : undefined}
                      >
                        <Icon />
                        <span className="nav-label">{t(entry.label)}</span>
                        {Badge && <Badge />}
                      </Link>
                    </Tooltip>
                  </li>
                )
              })}
            </ul>
          </div>
        ))}
      </nav>
      <button
        type="button"
        className="nav-fold"
        aria-expanded={!navCollapsed}
        onClick={() => setPrefs({ navCollapsed: !navCollapsed })}
        aria-label={navCollapsed ? t('nav.expand') : undefined}
      >
        {navCollapsed ? <MenuUnfoldOutlined /> : <MenuFoldOutlined />}
        <span className="nav-label">{t('nav.collapse')}</span>
        {me && (
          <span className="nav-version mono" aria-hidden="true">
            {me.version}
          </span>
        )}
      </button>
    </aside>
  )
}
