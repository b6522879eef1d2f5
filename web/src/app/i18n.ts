import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import type { Language } from '@/shared/lib/prefs'

type Namespaces = Record<string, Record<string, unknown>>

/** One file a feature: ./locales/zh-CN/access.json is the namespace "access". */
function namespaces(files: Record<string, unknown>): Namespaces {
  return Object.fromEntries(
    Object.entries(files).map(([path, content]) => [
      path.replace(/^.*\//, '').replace(/\.json$/, ''),
      content as Record<string, unknown>,
    ]),
  )
}

const chinese = namespaces(import.meta.glob('./locales/zh-CN/*.json', { eager: true, import: 'default' }))

async function load(language: Language): Promise<void> {
  if (language === 'zh-CN' || i18next.hasResourceBundle('en', 'common')) return
  const english = namespaces((await import('./locales/en')).files)
  for (const [ns, content] of Object.entries(english)) i18next.addResourceBundle('en', ns, content)
}

export async function startI18n(language: Language): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: 'zh-CN',
    fallbackLng: 'zh-CN',
    ns: Object.keys(chinese),
    defaultNS: 'common',
    fallbackNS: 'common',
    resources: { 'zh-CN': chinese },
    interpolation: { escapeValue: false },
    returnNull: false,
  })
  await setLanguage(language)
}

export async function setLanguage(language: Language): Promise<void> {
  await load(language)
  await i18next.changeLanguage(language)
  document.documentElement.lang = language
}
