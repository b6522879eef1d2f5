import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import {
  createMemoryHistory,
  createRoute,
  createRouter,
  Outlet,
  RouterProvider,
  type AnyRoute,
} from '@tanstack/react-router'
import { render } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { App as AntApp, ConfigProvider } from 'antd'
import type { ReactNode } from 'react'
import { SessionGate } from '@/app/SessionGate'
import { meKey } from '@/shared/api/me'
import type { Me } from '@/shared/api/types'
import { me as someone } from './api'
import { rootRoute, shellRoute } from '@/shared/routing'

interface Options {
  path?: string
  me?: Me
  publicRoutes?: readonly AnyRoute[]
  routes?: readonly AnyRoute[]
}

/** Shows pages as the app does: with a router in memory, a fresh query cache and the session gate beside them. */
export async function renderApp({ path = '/', me, publicRoutes = [], routes = [] }: Options) {
  const queryClient = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: 15_000 } } })
  queryClient.setQueryData(meKey, me ?? someone)
  shellRoute.update({ component: Outlet })
  const home = createRoute({ getParentRoute: () => rootRoute, path: '/', component: () => <h1>首页</h1> })
  const router = createRouter({
    routeTree: rootRoute.addChildren([home, ...publicRoutes, shellRoute.addChildren([...routes])]),
    history: createMemoryHistory({ initialEntries: [path] }),
    context: { queryClient },
    parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
    stringifySearch: (search) => {
      const text = new URLSearchParams(search as Record<string, string>).toString()
      return text ? `?${text}` : ''
    },
  })
  await router.load()
  const view = render(
    <ConfigProvider theme={{ token: { motion: false } }} button={{ autoInsertSpace: false }}>
      <AntApp component={false}>
        <QueryClientProvider client={queryClient}>
          <RouterProvider router={router as never} />
          <SessionGate />
        </QueryClientProvider>
      </AntApp>
    </ConfigProvider>,
  )
  return { ...view, router, queryClient, user: userEvent.setup({ delay: null, pointerEventsCheck: 0 }) }
}

/** One component as the only page. */
export function renderPage(component: () => ReactNode, options: { path?: string; me?: Me } = {}) {
  const page = createRoute({
    getParentRoute: () => shellRoute,
    path: '/page',
    validateSearch: (raw: Record<string, unknown>) => raw as Record<string, string>,
    component,
  })
  return renderApp({ path: '/page', ...options, routes: [page] })
}
