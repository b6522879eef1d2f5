import { ApartmentOutlined, DesktopOutlined, RadarChartOutlined } from '@ant-design/icons'
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
  validateSearch: searchOf(
    'q',
    'kind',
    'area_path',
    'system_id',
    'environment',
    'criticality',
    'reach',
    'state',
    'sort',
  ),
  component: lazyPage(() => import('./AssetsPage')),
})

const asset = createRoute({
  getParentRoute: () => shellRoute,
  path: '/fleet/assets/$id',
  validateSearch: searchOf('class', 'state', 'sort'),
  staticData: { crumb: 'fleet:crumb.asset' },
  component: lazyPage(() => import('./AssetPage')),
})

const map = createRoute({
  getParentRoute: () => shellRoute,
  path: '/fleet/map',
  validateSearch: searchOf('asset_id', 'system_id', 'depth'),
  component: lazyPage(() => import('./MapPage')),
})

const proposals = createRoute({
  getParentRoute: () => shellRoute,
  path: '/fleet/proposals',
  validateSearch: searchOf('state', 'sort'),
  component: lazyPage(() => import('./ProposalsPage')),
})

export const routes = [overview, assets, asset, map, proposals] as const

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
  {
    to: '/fleet/map',
    label: 'fleet:nav.map',
    icon: ApartmentOutlined,
    group: 'assets',
    order: 15,
    perm: 'fleet.read',
  },
  {
    to: '/fleet/proposals',
    label: 'fleet:nav.proposals',
    icon: RadarChartOutlined,
    group: 'assets',
    order: 20,
    perm: 'fleet.manage',
  },
]

export const searchers: Searcher[] = [{ label: 'fleet:nav.assets', perm: 'fleet.read', search: searchAssets }]
