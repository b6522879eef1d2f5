import { Button } from 'antd'
import { useEffect, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { effectiveTheme, setPrefs, usePrefs } from '@/shared/lib/prefs'
import { Logo } from '@/shared/ui/Logo'
import './public.css'

interface Props {
  title: string
  lead?: ReactNode
  children: ReactNode
  /** A second column: what somebody should know before they act. */
  aside?: ReactNode
}

/** The frame of pages without a session: product name, one card, language and theme. */
export function PublicFrame({ title, lead, children, aside }: Props) {
  const { t } = useTranslation()
  const prefs = usePrefs()
  const dark = effectiveTheme(prefs) === 'dark'
  useEffect(() => {
    document.title = `${title} · ${t('product')}`
  }, [title, t])
  return (
    <div className="public">
      <header className="public-head">
        <Logo size={26} />
        <span className="public-name">{t('product')}</span>
        <span className="grow" />
        <Button type="text" onClick={() => setPrefs({ theme: dark ? 'light' : 'dark' })}>
          {dark ? t('header.toLight') : t('header.toDark')}
        </Button>
        <Button
          type="text"
          lang={prefs.language === 'en' ? 'zh-CN' : 'en'}
          onClick={() => setPrefs({ language: prefs.language === 'en' ? 'zh-CN' : 'en' })}
        >
          {t('header.language')}
        </Button>
      </header>
      <main className={`public-main${aside ? ' with-aside' : ''}`} id="main">
        <section className="public-card panel">
          <h1>{title}</h1>
          {lead && <p className="soft public-lead">{lead}</p>}
          {children}
        </section>
        {aside && <aside className="public-aside">{aside}</aside>}
      </main>
    </div>
  )
}
