import { HomeOutlined } from '@ant-design/icons'
import { createRoute } from '@tanstack/react-router'
import type { NavEntry, Searcher } from '@/shared/feature'
import { lazyPage, shellRoute } from '@/shared/routing'

const home = createRoute({
  getParentRoute: () => shellRoute,
  path: '/',
  component: lazyPage(() => import('./HomePage')),
})

export const routes = [home] as const

export const nav: NavEntry[] = [
  { to: '/', label: 'home:nav.home', icon: HomeOutlined, group: 'operations', order: 0, key: 'h' },
]

export const searchers: Searcher[] = []
