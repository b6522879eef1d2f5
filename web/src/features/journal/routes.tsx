import { AuditOutlined } from '@ant-design/icons'
import { createRoute } from '@tanstack/react-router'
import type { NavEntry, Searcher } from '@/shared/feature'
import { searchOf } from '@/shared/lib/search'
import { lazyPage, shellRoute } from '@/shared/routing'

const rows = createRoute({
  getParentRoute: () => shellRoute,
  path: '/journal',
  validateSearch: searchOf('type', 'actor_id', 'subject_kind', 'subject_id', 'from', 'to', 'sort'),
  component: lazyPage(() => import('./RowsPage')),
})

const row = createRoute({
  getParentRoute: () => shellRoute,
  path: '/journal/rows/$seq',
  staticData: { crumb: 'journal:crumb.row' },
  component: lazyPage(() => import('./RowPage')),
})

const verifications = createRoute({
  getParentRoute: () => shellRoute,
  path: '/journal/verifications',
  validateSearch: searchOf('sort'),
  staticData: { crumb: 'journal:tabs.verifications' },
  component: lazyPage(() => import('./VerificationsPage')),
})

const segments = createRoute({
  getParentRoute: () => shellRoute,
  path: '/journal/segments',
  validateSearch: searchOf('sort'),
  staticData: { crumb: 'journal:tabs.segments' },
  component: lazyPage(() => import('./SegmentsPage')),
})

const subscriptions = createRoute({
  getParentRoute: () => shellRoute,
  path: '/journal/subscriptions',
  staticData: { crumb: 'journal:tabs.subscriptions' },
  component: lazyPage(() => import('./SubscriptionsPage')),
})

export const routes = [rows, row, verifications, segments, subscriptions] as const

export const nav: NavEntry[] = [
  {
    to: '/journal',
    label: 'journal:nav.journal',
    icon: AuditOutlined,
    group: 'governance',
    order: 10,
    perm: 'journal.read',
    key: 'l',
  },
]

/** A row is found by its number. */
export const searchers: Searcher[] = [
  {
    label: 'journal:nav.journal',
    perm: 'journal.read',
    search: (text) => {
      const seq = /^#?(\d{1,15})$/.exec(text)?.[1]
      return Promise.resolve(seq ? [{ id: seq, text: `#${seq}`, to: `/journal/rows/${seq}` }] : [])
    },
  },
]
