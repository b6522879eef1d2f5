import { queryOptions } from '@tanstack/react-query'
import { api, url, type Query } from '@/shared/api/client'
import type { Page } from '@/shared/api/types'
import type { Row, RowDetail, RowType, Segment, Subscription, Verification } from './types'

export const module = 'journal'

export const keys = {
  rows: [module, 'rows'] as const,
  verifications: [module, 'verifications'] as const,
  segments: [module, 'segments'] as const,
}

export const fetchRows = (query: Query, signal: AbortSignal) => api.get<Page<Row>>('/journal/rows', { query, signal })
export const fetchSegments = (query: Query, signal: AbortSignal) =>
  api.get<Page<Segment>>('/journal/segments', { query, signal })
export const fetchVerifications = (query: Query, signal: AbortSignal) =>
  api.get<Page<Verification>>('/journal/verifications', { query, signal })

export const typesQuery = queryOptions({
  queryKey: [module, 'types'],
  queryFn: async ({ signal }) => (await api.get<{ items: RowType[] }>('/journal/types', { signal })).items ?? [],
  staleTime: 10 * 60_000,
})

/** A row never changes; only its segment is closed some day. */
export const rowQuery = (seq: string) =>
  queryOptions({
    queryKey: [module, 'row', seq],
    queryFn: ({ signal }) => api.get<RowDetail>(`/journal/rows/${encodeURIComponent(seq)}`, { signal }),
    staleTime: 60_000,
  })

export const lastVerificationQuery = queryOptions({
  queryKey: [...keys.verifications, 'last'],
  queryFn: async ({ signal }) => (await fetchVerifications({ limit: 1 }, signal)).items?.[0] ?? null,
  refetchInterval: (query) => (query.state.data?.state === 'running' ? 1_000 : false),
})

export const subscriptionsQuery = queryOptions({
  queryKey: [module, 'subscriptions'],
  queryFn: async ({ signal }) =>
    (await api.get<{ items: Subscription[] }>('/journal/subscriptions', { signal })).items ?? [],
})

export const verify = () => api.post<Verification>('/journal/verify')

export const reveal = (seq: number, reason: string) => api.post<RowDetail>(`/journal/rows/${seq}/reveal`, { reason })

export type ParkedAct = 'retry' | 'skip'
export const actOnParked = (name: string, subject: string, act: ParkedAct, reason: string) =>
  api.post<void>(`/journal/subscriptions/${encodeURIComponent(name)}/parked/${encodeURIComponent(subject)}/${act}`, {
    reason,
  })

export const exportUrl = url('/journal/export')
