import { FlagOutlined, SafetyCertificateOutlined, TeamOutlined } from '@ant-design/icons'
import { createRoute } from '@tanstack/react-router'
import type { NavEntry, Searcher } from '@/shared/feature'
import { searchOf } from '@/shared/lib/search'
import { lazyPage, rootRoute, shellRoute } from '@/shared/routing'
import { searchAccounts } from './queries'

const signIn = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sign-in',
  validateSearch: searchOf('next'),
  component: lazyPage(() => import('./SignInPage')),
})

const setup = createRoute({
  getParentRoute: () => rootRoute,
  path: '/setup',
  component: lazyPage(() => import('./SetupPage')),
})

const invite = createRoute({
  getParentRoute: () => rootRoute,
  path: '/invite',
  component: lazyPage(() => import('./InvitePage')),
})

const accounts = createRoute({
  getParentRoute: () => shellRoute,
  path: '/access/accounts',
  validateSearch: searchOf('q', 'state', 'role', 'sort', 'open'),
  component: lazyPage(() => import('./AccountsPage')),
})

const roles = createRoute({
  getParentRoute: () => shellRoute,
  path: '/access/roles',
  component: lazyPage(() => import('./RolesPage')),
})

const production = createRoute({
  getParentRoute: () => shellRoute,
  path: '/access/production',
  component: lazyPage(() => import('./ProductionPage')),
})

const profile = createRoute({
  getParentRoute: () => shellRoute,
  path: '/profile',
  staticData: { crumb: 'access:profile.title' },
  component: lazyPage(() => import('./ProfilePage')),
})

export const publicRoutes = [signIn, setup, invite] as const
export const routes = [accounts, roles, production, profile] as const

export const nav: NavEntry[] = [
  {
    to: '/access/accounts',
    label: 'access:nav.accounts',
    icon: TeamOutlined,
    group: 'governance',
    order: 20,
    perm: 'access.account.read',
    key: 'u',
  },
  {
    to: '/access/roles',
    label: 'access:nav.roles',
    icon: SafetyCertificateOutlined,
    group: 'governance',
    order: 30,
    perm: 'access.account.read',
  },
  {
    to: '/access/production',
    label: 'access:nav.production',
    icon: FlagOutlined,
    group: 'governance',
    order: 40,
    perm: 'access.production.declare',
  },
]

export const searchers: Searcher[] = [
  { label: 'access:nav.accounts', perm: 'access.account.read', search: searchAccounts },
]
