import { queryOptions } from '@tanstack/react-query'
import { api, type Query } from '@/shared/api/client'
import type { components } from '@/shared/api/schema'
import type { Page } from '@/shared/api/types'

export const module = 'intake'

type Schemas = components['schemas']
/** One file on its way in (导入批次). */
export type Run = Schemas['RunView']
export type RunDetail = Schemas['RunDetailView']
export type Preview = Schemas['ImportPreviewView']
export type PreviewRow = Schemas['ImportRowView']
export type Step = Schemas['ImportStepView']
export type Field = Schemas['FieldView']
export type Defaults = Schemas['Defaults']

export const keys = { runs: [module, 'runs'] as const }
export const outcomes = ['conflict', 'new', 'changed', 'same'] as const

const one = (id: string, action = '') => `/intake/runs/${encodeURIComponent(id)}${action}`

export const fetchRuns = (query: Query, signal: AbortSignal) => api.get<Page<Run>>('/intake/runs', { query, signal })

export const runQuery = (id: string) =>
  queryOptions({
    queryKey: [module, 'run', id],
    queryFn: ({ signal }) => api.get<RunDetail>(one(id), { signal }),
  })

export const fieldsQuery = queryOptions({
  queryKey: [module, 'fields'],
  queryFn: async ({ signal }) => (await api.get<{ items: Field[] }>('/intake/fields', { signal })).items ?? [],
  staleTime: Infinity,
})

/** A page of what would change; the version makes it new when the columns were said anew. */
export const previewQuery = (id: string, version: number, outcome: string, after: number) =>
  queryOptions({
    queryKey: [module, 'preview', id, version, outcome, after],
    queryFn: ({ signal }) =>
      api.get<Preview>(one(id, '/preview'), { query: { outcome, after: after || undefined, limit: 100 }, signal }),
  })

export const stepsQuery = (id: string, version: number) =>
  queryOptions({
    queryKey: [module, 'steps', id, version],
    queryFn: async ({ signal }) => (await api.get<{ items: Step[] }>(one(id, '/steps'), { signal })).items ?? [],
  })

export const upload = (file: File, query: { area_path: string; system_id?: string }, idempotencyKey: string) =>
  api.post<RunDetail>('/intake/runs', file, { query: { ...query, file_name: file.name }, idempotencyKey })

export const configure = (id: string, body: { mapping: string[]; defaults: Defaults; version: number }) =>
  api.patch<RunDetail>(one(id), body)

export const applyRun = (id: string, body: { digest: string; skip_conflicts: boolean; version: number }) =>
  api.post<RunDetail>(one(id, '/apply'), body)

export const undoRun = (id: string, body: { reason: string; version: number }) =>
  api.post<RunDetail>(one(id, '/undo'), body)

export const discardRun = (id: string, body: { version: number }) => api.post<RunDetail>(one(id, '/discard'), body)
