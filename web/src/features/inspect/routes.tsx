import type { NavEntry, Searcher } from '@/shared/feature'

export const routes = [] as const
export const nav: NavEntry[] = []
export const searchers: Searcher[] = []
