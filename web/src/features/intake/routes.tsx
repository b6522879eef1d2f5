import { ImportOutlined } from '@ant-design/icons'
import { createRoute, redirect } from '@tanstack/react-router'
import type { NavEntry, Searcher } from '@/shared/feature'
import { searchOf } from '@/shared/lib/search'
import { lazyPage, shellRoute } from '@/shared/routing'

const overview = createRoute({
  getParentRoute: () => shellRoute,
  path: '/intake',
  beforeLoad: () => {
    throw redirect({ to: '/intake/runs' as string })
  },
})

const runs = createRoute({
  getParentRoute: () => shellRoute,
  path: '/intake/runs',
  validateSearch: searchOf('state', 'sort', 'new'),
  component: lazyPage(() => import('./RunsPage')),
})

const run = createRoute({
  getParentRoute: () => shellRoute,
  path: '/intake/runs/$id',
  validateSearch: searchOf('outcome', 'fidelity', 'kind'),
  staticData: { crumb: 'intake:crumb.run' },
  component: lazyPage(() => import('./RunPage')),
})

export const routes = [overview, runs, run] as const

export const nav: NavEntry[] = [
  {
    to: '/intake/runs',
    label: 'intake:nav.runs',
    icon: ImportOutlined,
    group: 'intake',
    order: 30,
    perm: 'intake.import',
    key: 'm',
  },
]

export const searchers: Searcher[] = []
