import { DesktopOutlined } from '@ant-design/icons'
import { createRoute, redirect } from '@tanstack/react-router'
import type { NavEntry, Searcher } from '@/shared/feature'
import { searchOf } from '@/shared/lib/search'
import { lazyPage, shellRoute } from '@/shared/routing'
import { searchAssets } from './queries'

const overview = createRoute({
  getParentRoute: () => shellRoute,
  path: '/fleet',
  beforeLoad: () => {
    throw redirect({ to: '/fleet/assets' as string })
  },
})

const assets = createRoute({
  getParentRoute: () => shellRoute,
  path: '/fleet/assets',
  validateSearch: searchOf('q', 'kind', 'area_path', 'system_id', 'state', 'sort'),
  component: lazyPage(() => import('./AssetsPage')),
})

const asset = createRoute({
  getParentRoute: () => shellRoute,
  path: '/fleet/assets/$id',
  validateSearch: searchOf('class', 'state', 'sort'),
  staticData: { crumb: 'fleet:crumb.asset' },
  component: lazyPage(() => import('./AssetPage')),
})

export const routes = [overview, assets, asset] as const

export const nav: NavEntry[] = [
  {
    to: '/fleet/assets',
    label: 'fleet:nav.assets',
    icon: DesktopOutlined,
    group: 'assets',
    order: 10,
    perm: 'fleet.read',
    key: 's',
  },
]

export const searchers: Searcher[] = [{ label: 'fleet:nav.assets', perm: 'fleet.read', search: searchAssets }]
