import '@/shared/lib/polyfill'
import { createRoot } from 'react-dom/client'
import { App } from '@/app/App'
import { startI18n } from '@/app/i18n'
import '@/app/styles.css'
import { applyTheme } from '@/app/theme'
import { effectiveTheme, getPrefs } from '@/shared/lib/prefs'
import '@/shared/ui/ui.css'

const prefs = getPrefs()
applyTheme(effectiveTheme(prefs))
void startI18n(prefs.language).then(() => {
  createRoot(document.getElementById('root')!).render(<App />)
})
