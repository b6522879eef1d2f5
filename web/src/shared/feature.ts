import type { ComponentType } from 'react'

/** One line of the side menu. `label` is a translation key with its namespace: "inspect:nav.rounds". */
export interface NavEntry {
  to: string
  label: string
  icon: ComponentType
  group: NavGroup
  /** Smaller comes first within its group. */
  order: number
  perm?: string
  /** Second key of the "g x" shortcut. */
  key?: string
  /** A count beside the label, drawn by the feature itself; renders nothing when there is nothing to say. */
  badge?: ComponentType
}

/** 值守: what somebody has to act on; 巡检: what inspects; 资产; 接入: what comes from elsewhere; 治理. */
export type NavGroup = 'duty' | 'operations' | 'assets' | 'intake' | 'governance'

/** What the command palette (Ctrl K) finds in a feature by asking the server. */
export interface Searcher {
  /** Heading of the group, a translation key. */
  label: string
  perm?: string
  search: (text: string, signal: AbortSignal) => Promise<SearchHit[]>
}

export interface SearchHit {
  id: string
  text: string
  hint?: string
  to: string
}
