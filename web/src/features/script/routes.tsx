import { CodeOutlined } from '@ant-design/icons'
import { createRoute } from '@tanstack/react-router'
import type { NavEntry, Searcher } from '@/shared/feature'
import { searchOf } from '@/shared/lib/search'
import { lazyPage, shellRoute } from '@/shared/routing'
import { searchScripts } from './queries'

const scripts = createRoute({
  getParentRoute: () => shellRoute,
  path: '/inspect/scripts',
  validateSearch: searchOf('q', 'class', 'sort', 'plugin'),
  component: lazyPage(() => import('./ScriptsPage')),
})

const fresh = createRoute({
  getParentRoute: () => shellRoute,
  path: '/inspect/scripts/new',
  staticData: { crumb: 'script:crumb.new' },
  component: lazyPage(() => import('./WorkbenchPage')),
})

const script = createRoute({
  getParentRoute: () => shellRoute,
  path: '/inspect/scripts/$id',
  validateSearch: searchOf('version'),
  staticData: { crumb: 'script:crumb.script' },
  component: lazyPage(() => import('./ScriptPage')),
})

const next = createRoute({
  getParentRoute: () => shellRoute,
  path: '/inspect/scripts/$id/draft',
  staticData: { crumb: 'script:crumb.draft' },
  component: lazyPage(() => import('./WorkbenchPage')),
})

export const routes = [scripts, fresh, script, next] as const

export const nav: NavEntry[] = [
  {
    to: '/inspect/scripts',
    label: 'script:nav.scripts',
    icon: CodeOutlined,
    group: 'operations',
    order: 50,
    perm: 'inspect.read',
    key: 'b',
  },
]

export const searchers: Searcher[] = [{ label: 'script:nav.scripts', perm: 'inspect.read', search: searchScripts }]
