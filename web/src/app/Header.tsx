import { GlobalOutlined, MoonOutlined, SearchOutlined, SunOutlined } from '@ant-design/icons'
import { Button, Tooltip } from 'antd'
import { useTranslation } from 'react-i18next'
import { effectiveTheme, setPrefs, usePrefs } from '@/shared/lib/prefs'
import { AccountMenu } from './AccountMenu'
import { Breadcrumb } from './Breadcrumb'
import { LiveMark } from './LiveMark'
import { TrialMark } from './TrialMark'

export function Header({ onSearch, onHelp }: { onSearch: () => void; onHelp: () => void }) {
  const { t } = useTranslation()
  const prefs = usePrefs()
  const dark = effectiveTheme(prefs) === 'dark'
  const themeLabel = dark ? t('header.toLight') : t('header.toDark')
  return (
    <header className="shell-header">
      <Breadcrumb />
      <TrialMark />
      <span className="grow" />
      <button type="button" className="header-search" onClick={onSearch}>
        <SearchOutlined />
        <span className="grow">{t('header.search')}</span>
        <kbd>Ctrl K</kbd>
      </button>
      <LiveMark />
      <Tooltip title={themeLabel}>
        <Button
          type="text"
          icon={dark ? <SunOutlined /> : <MoonOutlined />}
          aria-label={themeLabel}
          onClick={() => setPrefs({ theme: dark ? 'light' : 'dark' })}
        />
      </Tooltip>
      <Button
        type="text"
        className="header-language"
        aria-label={t('header.language')}
        icon={<GlobalOutlined />}
        lang={prefs.language === 'en' ? 'zh-CN' : 'en'}
        onClick={() => setPrefs({ language: prefs.language === 'en' ? 'zh-CN' : 'en' })}
      >
        {t('header.language')}
      </Button>
      <AccountMenu onHelp={onHelp} />
    </header>
  )
}
