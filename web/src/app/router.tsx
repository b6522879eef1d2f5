import { createRoute, createRouter } from '@tanstack/react-router'
import { publicRoutes, routes as accessRoutes } from '@/features/access/routes'
import { routes as approvalRoutes } from '@/features/approval/routes'
import { routes as calendarRoutes } from '@/features/calendar/routes'
import { routes as fleetRoutes } from '@/features/fleet/routes'
import { routes as homeRoutes } from '@/features/home/routes'
import { routes as inspectRoutes } from '@/features/inspect/routes'
import { routes as intakeRoutes } from '@/features/intake/routes'
import { routes as journalRoutes } from '@/features/journal/routes'
import { routes as parallelRoutes } from '@/features/parallel/routes'
import { routes as reachRoutes } from '@/features/reach/routes'
import { routes as scriptRoutes } from '@/features/script/routes'
import { rootRoute, shellRoute } from '@/shared/routing'
import { Loading } from '@/shared/ui/StateView'
import { CrashPage, NotFoundPage } from './fallbacks'
import { queryClient } from './queryClient'
import { Shell } from './Shell'

shellRoute.update({ component: Shell })

const nowhere = createRoute({ getParentRoute: () => shellRoute, path: '$', component: NotFoundPage })

const routeTree = rootRoute.addChildren([
  ...publicRoutes,
  shellRoute.addChildren([
    ...homeRoutes,
    ...inspectRoutes,
    ...scriptRoutes,
    ...reachRoutes,
    ...calendarRoutes,
    ...fleetRoutes,
    ...intakeRoutes,
    ...approvalRoutes,
    ...parallelRoutes,
    ...journalRoutes,
    ...accessRoutes,
    nowhere,
  ]),
])

export const router = createRouter({
  routeTree,
  context: { queryClient },
  // Every value in an address is text: lists and numbers are read by the page that knows them.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const params = new URLSearchParams()
    for (const [key, value] of Object.entries(search)) {
      if (value !== undefined && value !== null && value !== '') params.set(key, String(value))
    }
    const text = params.toString()
    return text ? `?${text}` : ''
  },
  defaultPreload: 'intent',
  defaultPreloadStaleTime: 0,
  scrollRestoration: true,
  scrollToTopSelectors: ['#main'],
  defaultNotFoundComponent: NotFoundPage,
  defaultErrorComponent: CrashPage,
  defaultPendingComponent: () => <Loading />,
  defaultPendingMs: 200,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
