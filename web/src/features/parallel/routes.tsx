import { DiffOutlined } from '@ant-design/icons'
import { createRoute } from '@tanstack/react-router'
import type { NavEntry, Searcher } from '@/shared/feature'
import { searchOf } from '@/shared/lib/search'
import { lazyPage, shellRoute } from '@/shared/routing'

const differences = createRoute({
  getParentRoute: () => shellRoute,
  path: '/parallel',
  validateSearch: searchOf('from', 'to', 'minutes', 'side', 'why', 'verdict', 'severity', 'asset_id', 'q', 'panel'),
  component: lazyPage(() => import('./DifferencesPage')),
})

export const routes = [differences] as const

export const nav: NavEntry[] = [
  {
    to: '/parallel',
    label: 'parallel:nav.differences',
    icon: DiffOutlined,
    group: 'intake',
    order: 40,
    perm: 'parallel.read',
    key: 'z',
  },
]

export const searchers: Searcher[] = []
