import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'

/** Picks the half of a bilingual server text that fits the page's language; the other half when one is missing. */
export function useLocalized() {
  const { i18n } = useTranslation()
  const english = i18n.language === 'en'
  const pick = useCallback((zh?: string, en?: string) => (english ? en || zh : zh || en) ?? '', [english])
  const title = useCallback((o: { title_zh?: string; title_en?: string }) => pick(o.title_zh, o.title_en), [pick])
  const name = useCallback((o: { name_zh?: string; name_en?: string }) => pick(o.name_zh, o.name_en), [pick])
  const help = useCallback((o: { help_zh?: string; help_en?: string }) => pick(o.help_zh, o.help_en), [pick])
  const planName = useCallback((o: { name: string; name_en: string }) => pick(o.name, o.name_en), [pick])
  return { english, pick, title, name, help, planName }
}
