import { queryOptions } from '@tanstack/react-query'
import { api } from '@/shared/api/client'
import type { Titled } from '@/shared/api/types'
import { setServerTime } from '@/shared/lib/time'

export type CardSeverity = 'critical' | 'warning' | 'info' | 'ok'

export interface CardItem extends Titled {
  href: string
  at?: string | null
  /** A check state, a severity, or a machine's reason. */
  state?: string
}

/** What one module says needs this person now. */
export interface Card extends Titled {
  key: string
  severity: CardSeverity
  count: number
  href: string
  items: CardItem[]
}

export interface Home {
  cards: Card[]
  server_time: string
}

export const homeQuery = queryOptions({
  queryKey: ['home'],
  queryFn: async ({ signal }) => {
    const home = await api.get<Home>('/home', { signal })
    setServerTime(home.server_time)
    return { ...home, cards: home.cards ?? [] }
  },
  // The change stream tells what happens; that something is late is told by nobody.
  refetchInterval: 60_000,
})
