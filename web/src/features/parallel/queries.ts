import { queryOptions } from '@tanstack/react-query'
import { api, type Query } from '@/shared/api/client'
import type { components } from '@/shared/api/schema'

export const module = 'parallel'

type Schemas = components['schemas']
export type Comparison = Schemas['ComparisonView']
export type Difference = Schemas['DifferenceView']
export type Figures = Schemas['FiguresView']
export type Source = Schemas['SourceView']

export const keys = { differences: [module, 'differences'] as const }
export const sides = ['differences', 'zabbix_only', 'ours_only', 'both'] as const
export const whys = ['no_asset', 'no_checks', 'not_seen', 'not_sent', 'not_known'] as const
export const verdicts = ['open', 'known', 'accepted'] as const

export const fetchDifferences = (query: Query, signal: AbortSignal) =>
  api.get<Comparison>('/parallel/differences', { query, signal })

/** The figures of a span hold whatever the filters are. */
export const figuresQuery = (span: Query) =>
  queryOptions({
    queryKey: [module, 'figures', span],
    queryFn: ({ signal }) => api.get<Comparison>('/parallel/differences', { query: { ...span, limit: 1 }, signal }),
  })

export const sourcesQuery = queryOptions({
  queryKey: [module, 'sources'],
  queryFn: async ({ signal }) =>
    (await api.get<{ items: Source[] }>('/parallel/sources', { query: { limit: 200 }, signal })).items ?? [],
})

export const addSource = (body: { name: string; area_path: string; system_id: string }, idempotencyKey: string) =>
  api.post<{ source: Source; token: string }>('/parallel/sources', body, { idempotencyKey })

export const revokeSource = (id: string, body: { reason: string; version: number }) =>
  api.post<Source>(`/parallel/sources/${encodeURIComponent(id)}/revoke`, body)

export const explain = (body: { key: string; verdict: '' | 'known' | 'accepted'; reason: string }) =>
  api.post<void>('/parallel/differences/explain', body)
