import { queryOptions, useQuery } from '@tanstack/react-query'
import { setServerTime } from '@/shared/lib/time'
import { api } from './client'
import type { Me } from './types'

export const meKey = ['access', 'me'] as const

export const meQuery = queryOptions({
  queryKey: meKey,
  queryFn: async ({ signal }) => {
    const me = await api.get<Me>('/me', { signal })
    setServerTime(me.server_time)
    return me
  },
  staleTime: 60_000,
  retry: false,
})

/** The signed-in person. Only undefined on the public pages. */
export function useMe(): Me | undefined {
  return useQuery({ ...meQuery, enabled: false }).data
}
