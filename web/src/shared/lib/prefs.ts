import { Store, useStore } from './store'

export type ThemeName = 'light' | 'dark'
export type Language = 'zh-CN' | 'en'

/** What a person prefers on this computer. Kept in the browser; nothing here is a secret. */
export interface Prefs {
  theme: ThemeName | 'system'
  language: Language
  /** Single-letter shortcuts can be turned off (WCAG 2.1.4). */
  singleKeys: boolean
  navCollapsed: boolean
}

const storageKey = 'taxops.prefs'
const defaults: Prefs = { theme: 'light', language: 'zh-CN', singleKeys: true, navCollapsed: false }

function load(): Prefs {
  try {
    const raw = localStorage.getItem(storageKey)
    return raw ? { ...defaults, ...(JSON.parse(raw) as Partial<Prefs>) } : defaults
  } catch {
    return defaults
  }
}

const store = new Store<Prefs>(load())

export function getPrefs(): Prefs {
  return store.get()
}

export function setPrefs(patch: Partial<Prefs>): void {
  const next = { ...store.get(), ...patch }
  store.set(next)
  try {
    localStorage.setItem(storageKey, JSON.stringify(next))
  } catch {
    // Storage can be full or forbidden by policy; the choice then lasts until the page is closed.
  }
}

export function usePrefs(): Prefs {
  return useStore(store)
}

const darkQuery = '(prefers-color-scheme: dark)'

export function effectiveTheme(prefs: Prefs): ThemeName {
  if (prefs.theme !== 'system') return prefs.theme
  return typeof matchMedia === 'function' && matchMedia(darkQuery).matches ? 'dark' : 'light'
}
