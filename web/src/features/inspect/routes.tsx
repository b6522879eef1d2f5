import {
  BugOutlined,
  CalendarOutlined,
  CarryOutOutlined,
  CheckSquareOutlined,
  HistoryOutlined,
} from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { createRoute, redirect } from '@tanstack/react-router'
import type { NavEntry, Searcher } from '@/shared/feature'
import { searchOf } from '@/shared/lib/search'
import { lazyPage, shellRoute } from '@/shared/routing'
import { openFindingsQuery, searchChecks, searchFindings } from './queries'

const overview = createRoute({
  getParentRoute: () => shellRoute,
  path: '/inspect',
  beforeLoad: () => {
    throw redirect({ to: '/inspect/checks' as string })
  },
})

const checks = createRoute({
  getParentRoute: () => shellRoute,
  path: '/inspect/checks',
  validateSearch: searchOf('q', 'class', 'state', 'kind', 'asset_id', 'reason', 'enabled', 'exemption', 'sort', 'new'),
  component: lazyPage(() => import('./ChecksPage')),
})

const check = createRoute({
  getParentRoute: () => shellRoute,
  path: '/inspect/checks/$id',
  validateSearch: searchOf('span', 'metric', 'state', 'sort', 'result'),
  staticData: { crumb: 'inspect:crumb.check' },
  component: lazyPage(() => import('./CheckPage')),
})

const findings = createRoute({
  getParentRoute: () => shellRoute,
  path: '/inspect/findings',
  validateSearch: searchOf('q', 'state', 'severity', 'assignee_id', 'class', 'system_id', 'asset_id', 'sort'),
  component: lazyPage(() => import('./FindingsPage')),
})

const finding = createRoute({
  getParentRoute: () => shellRoute,
  path: '/inspect/findings/$id',
  staticData: { crumb: 'inspect:crumb.finding' },
  component: lazyPage(() => import('./FindingPage')),
})

const rounds = createRoute({
  getParentRoute: () => shellRoute,
  path: '/inspect/rounds',
  validateSearch: searchOf('plan_id', 'trigger', 'state', 'worst_state', 'from', 'to', 'sort'),
  component: lazyPage(() => import('./RoundsPage')),
})

const round = createRoute({
  getParentRoute: () => shellRoute,
  path: '/inspect/rounds/$id',
  validateSearch: searchOf('show', 'result'),
  staticData: { crumb: 'inspect:crumb.round' },
  component: lazyPage(() => import('./RoundPage')),
})

const plans = createRoute({
  getParentRoute: () => shellRoute,
  path: '/inspect/plans',
  validateSearch: searchOf('sort'),
  component: lazyPage(() => import('./PlansPage')),
})

const plan = createRoute({
  getParentRoute: () => shellRoute,
  path: '/inspect/plans/$id',
  validateSearch: searchOf('trigger', 'worst_state', 'sort'),
  staticData: { crumb: 'inspect:crumb.plan' },
  component: lazyPage(() => import('./PlanPage')),
})

const daily = createRoute({
  getParentRoute: () => shellRoute,
  path: '/inspect/daily',
  validateSearch: searchOf('day'),
  component: lazyPage(() => import('./DailyPage')),
})

export const routes = [daily, overview, checks, check, findings, finding, rounds, round, plans, plan] as const

/** Findings that nobody has closed yet; nothing while there are none. */
function OpenFindings() {
  const count = useQuery(openFindingsQuery).data
  if (!count?.total) return null
  return <span className="nav-count">{count.capped || count.total > 99 ? '99+' : count.total}</span>
}

export const nav: NavEntry[] = [
  {
    to: '/inspect/daily',
    label: 'inspect:nav.daily',
    icon: CarryOutOutlined,
    group: 'duty',
    order: 5,
    perm: 'inspect.read',
    key: 'd',
  },
  {
    to: '/inspect/findings',
    label: 'inspect:nav.findings',
    icon: BugOutlined,
    group: 'duty',
    order: 10,
    perm: 'inspect.read',
    key: 'f',
    badge: OpenFindings,
  },
  {
    to: '/inspect/checks',
    label: 'inspect:nav.checks',
    icon: CheckSquareOutlined,
    group: 'operations',
    order: 20,
    perm: 'inspect.read',
    key: 'i',
  },
  {
    to: '/inspect/rounds',
    label: 'inspect:nav.rounds',
    icon: HistoryOutlined,
    group: 'operations',
    order: 30,
    perm: 'inspect.read',
    key: 'o',
  },
  {
    to: '/inspect/plans',
    label: 'inspect:nav.plans',
    icon: CalendarOutlined,
    group: 'operations',
    order: 40,
    perm: 'inspect.read',
    key: 'p',
  },
]

export const searchers: Searcher[] = [
  { label: 'inspect:nav.findings', perm: 'inspect.read', search: searchFindings },
  { label: 'inspect:nav.checks', perm: 'inspect.read', search: searchChecks },
]
