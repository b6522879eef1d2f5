import { ScheduleOutlined } from '@ant-design/icons'
import { createRoute } from '@tanstack/react-router'
import type { NavEntry, Searcher } from '@/shared/feature'
import { searchOf } from '@/shared/lib/search'
import { lazyPage, shellRoute } from '@/shared/routing'

const year = createRoute({
  getParentRoute: () => shellRoute,
  path: '/calendar',
  validateSearch: searchOf('year'),
  component: lazyPage(() => import('./CalendarPage')),
})

export const routes = [year] as const

export const nav: NavEntry[] = [
  {
    to: '/calendar',
    label: 'calendar:nav.calendar',
    icon: ScheduleOutlined,
    group: 'operations',
    order: 60,
    perm: 'calendar.read',
    key: 'c',
  },
]

export const searchers: Searcher[] = []
