import { HomeOutlined } from '@ant-design/icons'
import { createRoute } from '@tanstack/react-router'
import { lastRoundQuery } from '@/shared/api/inspect'
import { meKey } from '@/shared/api/me'
import type { Me } from '@/shared/api/types'
import type { NavEntry, Searcher } from '@/shared/feature'
import { shellRoute } from '@/shared/routing'
import HomePage from './HomePage'
import { homeQuery } from './queries'

const home = createRoute({
  getParentRoute: () => shellRoute,
  path: '/',
  // Asked while the page itself is still on its way.
  loader: ({ context }) => {
    void context.queryClient.prefetchQuery(homeQuery)
    const me = context.queryClient.getQueryData<Me>(meKey)
    if (me?.permissions.includes('inspect.read')) void context.queryClient.prefetchQuery(lastRoundQuery)
  },
  // Part of the first file: it is what people open first, and a file of its own would only be asked for late.
  component: HomePage,
})

export const routes = [home] as const

export const nav: NavEntry[] = [
  { to: '/', label: 'home:nav.home', icon: HomeOutlined, group: 'duty', order: 0, key: 'h' },
]

export const searchers: Searcher[] = []
