import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  lazyRouteComponent,
  redirect,
  type RouteComponent,
} from '@tanstack/react-router'
import { isApiError } from './api/client'
import { meQuery } from './api/me'
import { setupQuery } from './api/session'

export interface RouterContext {
  queryClient: QueryClient
}

/** Top of the tree. Public pages (sign-in, set-up, invitation) hang here. */
export const rootRoute = createRootRouteWithContext<RouterContext>()()

/** Everything that needs a session; the app gives it the shell and the sign-in check. */
export const shellRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'shell',
  beforeLoad: async ({ context, location }) => {
    try {
      await context.queryClient.ensureQueryData(meQuery)
    } catch (error) {
      if (!isApiError(error) || error.status !== 401) throw error
      const setup = await context.queryClient.fetchQuery(setupQuery)
      // Plain strings: the typed paths are made from this very route.
      if (setup.needed) throw redirect({ to: '/setup' as string })
      throw redirect({
        to: '/sign-in' as string,
        search: (location.href === '/' ? {} : { next: location.href }) as never,
      })
    }
  },
})

/**
 * A page loaded when it is first visited. The plain return type keeps a page's own types out of the route tree,
 * which those types are made from.
 */
export function lazyPage(load: () => Promise<{ default: () => React.ReactNode }>): RouteComponent {
  return lazyRouteComponent(load as () => Promise<{ default: RouteComponent }>)
}

declare module '@tanstack/react-router' {
  interface StaticDataRouteOption {
    /** Last part of the breadcrumb, a translation key; left out when the page is the menu entry itself. */
    crumb?: string
  }
}
