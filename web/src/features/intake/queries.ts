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
export type Parts = Schemas['PartsView']
export type Part = Schemas['BroughtPartView']
/** A check, script or plan that an import made. */
export type Brought = Schemas['BroughtView']
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

interface Application {
  digest: string
  skip_conflicts: boolean
  version: number
  only_exact?: boolean
  leave_parts?: string[]
}

export const applyRun = (id: string, body: Application) => api.post<RunDetail>(one(id, '/apply'), body)

export const undoRun = (id: string, body: { reason: string; version: number }) =>
  api.post<RunDetail>(one(id, '/undo'), body)

export const discardRun = (id: string, body: { version: number }) => api.post<RunDetail>(one(id, '/discard'), body)

/** A page of what goes along with the hosts, or of what a folder of scripts holds. */
export const partsQuery = (
  id: string,
  version: number,
  filter: { fidelity?: string; kind?: string },
  offset: number,
  limit: number,
) =>
  queryOptions({
    queryKey: [module, 'parts', id, version, filter, offset, limit],
    queryFn: ({ signal }) =>
      api.get<Parts>(one(id, '/parts'), { query: { ...filter, offset: offset || undefined, limit }, signal }),
  })

export const broughtQuery = (id: string, version: number) =>
  queryOptions({
    queryKey: [module, 'brought', id, version],
    queryFn: async ({ signal }) => (await api.get<{ items: Brought[] }>(one(id, '/brought'), { signal })).items ?? [],
  })

interface Place {
  area_path: string
  system_id?: string
}

export const uploadZabbix = (file: File, query: Place, idempotencyKey: string) =>
  api.post<RunDetail>('/intake/zabbix/files', file, { query: { ...query, file_name: file.name }, idempotencyKey })

export const uploadScripts = (file: File, query: Place, idempotencyKey: string) =>
  api.post<RunDetail>('/intake/scripts/files', file, { query: { ...query, file_name: file.name }, idempotencyKey })

export const readZabbix = (body: Schemas['ReadZabbixInputBody']) => api.post<RunDetail>('/intake/zabbix/read', body)
