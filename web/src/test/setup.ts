import { cleanup, configure } from '@testing-library/react'
import { afterEach, beforeAll, vi } from 'vitest'
import { startI18n } from '@/app/i18n'

configure({ asyncUtilTimeout: 15_000 })

// jsdom has no layout: what antd asks of it is answered with "nothing matches" and "no size".
Object.defineProperty(window, 'matchMedia', {
  writable: true,
  value: (query: string) => ({
    matches: false,
    media: query,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
    addListener: () => undefined,
    removeListener: () => undefined,
    dispatchEvent: () => false,
  }),
})

class NoResizeObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}
vi.stubGlobal('ResizeObserver', NoResizeObserver)
Element.prototype.scrollIntoView = () => undefined
Element.prototype.scrollTo = () => undefined
window.scrollTo = () => undefined

const computed = window.getComputedStyle.bind(window)
window.getComputedStyle = (element) => computed(element)

beforeAll(() => startI18n('zh-CN'))

afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
  localStorage.clear()
})
