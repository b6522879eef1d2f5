import { LoginOutlined } from '@ant-design/icons'
import { createRoute } from '@tanstack/react-router'
import type { NavEntry, Searcher } from '@/shared/feature'
import { searchOf } from '@/shared/lib/search'
import { lazyPage, shellRoute } from '@/shared/routing'

const logins = createRoute({
  getParentRoute: () => shellRoute,
  path: '/inspect/logins',
  validateSearch: searchOf('q', 'sort'),
  component: lazyPage(() => import('./LoginsPage')),
})

export const routes = [logins] as const

export const nav: NavEntry[] = [
  {
    to: '/inspect/logins',
    label: 'reach:nav.logins',
    icon: LoginOutlined,
    group: 'intake',
    order: 30,
    perm: 'inspect.read',
    key: 'g',
  },
]

export const searchers: Searcher[] = []
