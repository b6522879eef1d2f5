import { createRoute } from '@tanstack/react-router'
import type { NavEntry, Searcher } from '@/shared/feature'
import { searchOf } from '@/shared/lib/search'
import { lazyPage, rootRoute } from '@/shared/routing'

const signIn = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sign-in',
  validateSearch: searchOf('next'),
  component: lazyPage(() => import('./SignInPage')),
})

export const publicRoutes = [signIn] as const
export const routes = [] as const

export const nav: NavEntry[] = []

export const searchers: Searcher[] = []
