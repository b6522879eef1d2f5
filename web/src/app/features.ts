import * as approval from '@/features/approval/routes'
import * as access from '@/features/access/routes'
import * as calendar from '@/features/calendar/routes'
import * as fleet from '@/features/fleet/routes'
import * as home from '@/features/home/routes'
import * as intake from '@/features/intake/routes'
import * as inspect from '@/features/inspect/routes'
import * as journal from '@/features/journal/routes'
import * as parallel from '@/features/parallel/routes'
import * as reach from '@/features/reach/routes'
import * as script from '@/features/script/routes'
import type { NavEntry, NavGroup, Searcher } from '@/shared/feature'

/** The only place that knows all features. */
const features = [home, inspect, script, reach, calendar, fleet, intake, approval, parallel, journal, access]

export const navGroups: NavGroup[] = ['duty', 'operations', 'assets', 'intake', 'governance']

export const nav: NavEntry[] = features
  .flatMap((feature) => feature.nav)
  .sort((a, b) => navGroups.indexOf(a.group) - navGroups.indexOf(b.group) || a.order - b.order)

export const searchers: Searcher[] = features.flatMap((feature) => feature.searchers)

/** The menu entry a page belongs to: the longest one that its path begins with. */
export function navEntryOf(path: string): NavEntry | undefined {
  return nav
    .filter((entry) => (entry.to === '/' ? path === '/' : path === entry.to || path.startsWith(entry.to + '/')))
    .sort((a, b) => b.to.length - a.to.length)[0]
}
