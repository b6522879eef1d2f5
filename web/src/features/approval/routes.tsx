import { FileDoneOutlined } from '@ant-design/icons'
import { createRoute, redirect } from '@tanstack/react-router'
import type { NavEntry, Searcher } from '@/shared/feature'
import { searchOf } from '@/shared/lib/search'
import { lazyPage, shellRoute } from '@/shared/routing'

const overview = createRoute({
  getParentRoute: () => shellRoute,
  path: '/approval',
  beforeLoad: () => {
    throw redirect({ to: '/approval/requests' as string })
  },
})

const requests = createRoute({
  getParentRoute: () => shellRoute,
  path: '/approval/requests',
  validateSearch: searchOf('state', 'sort'),
  component: lazyPage(() => import('./RequestsPage')),
})

const request = createRoute({
  getParentRoute: () => shellRoute,
  path: '/approval/requests/$id',
  staticData: { crumb: 'approval:crumb.request' },
  component: lazyPage(() => import('./RequestPage')),
})

export const routes = [overview, requests, request] as const

export const nav: NavEntry[] = [
  {
    to: '/approval/requests',
    label: 'approval:nav.requests',
    icon: FileDoneOutlined,
    group: 'duty',
    order: 20,
    perm: 'approval.read',
    key: 'a',
  },
]

export const searchers: Searcher[] = []
