import { queryOptions } from '@tanstack/react-query'
import { api, type Query } from '@/shared/api/client'
import { fleetModule as module, type Asset } from '@/shared/api/fleet'
import { inspectModule, type Check } from '@/shared/api/inspect'
import type { components } from '@/shared/api/schema'
import type { Page } from '@/shared/api/types'
import type { SearchHit } from '@/shared/feature'

export { module }

export const keys = {
  assets: [module, 'assets'] as const,
  proposals: [module, 'proposals'] as const,
  checksOf: (id: string) => [inspectModule, 'checks', 'of', id] as const,
}

const one = (id: string, action = '') => `/fleet/assets/${encodeURIComponent(id)}${action}`

export const fetchAssets = (query: Query, signal: AbortSignal) =>
  api.get<Page<Asset>>('/fleet/assets', { query, signal })

export const fetchChecks = (query: Query, signal: AbortSignal) =>
  api.get<Page<Check>>('/inspect/checks', { query, signal })

export interface NewAsset {
  kind: Asset['kind']
  name: string
  hostname?: string
  parent_id?: string
  area_path: string
  system_id: string
  labels: Record<string, string>
  values?: Record<string, string>
}

export const createAsset = (body: NewAsset, idempotencyKey: string) =>
  api.post<Asset>('/fleet/assets', body, { idempotencyKey })

export interface AssetChange {
  name?: string
  area_path?: string
  system_id?: string
  labels?: Record<string, string>
  values?: Record<string, string>
  version: number
}
export const changeAsset = (id: string, body: AssetChange) => api.patch<Asset>(one(id), body)
export const retireAsset = (id: string, body: { reason: string; version: number }) =>
  api.post<Asset>(one(id, '/retire'), body)

type Schemas = components['schemas']
export type Group = Schemas['GroupView']
export type HistoryStep = Schemas['StepView']
export type AssetLink = Schemas['LinkView']
export type AssetMap = Omit<Schemas['MapView'], 'assets'> & { assets: Asset[] }
export type Proposal = Schemas['ProposalView']

export interface BulkChange {
  ids: string[]
  set_labels?: Record<string, string>
  drop_labels?: string[]
  values?: Record<string, string>
}
export const changeMany = (body: BulkChange) => api.post<{ changed: number }>('/fleet/assets/bulk', body)

export const treeQuery = queryOptions({
  queryKey: [module, 'tree'],
  queryFn: async ({ signal }) => (await api.get<{ items: Group[] }>('/fleet/tree', { signal })).items ?? [],
})

export const assetHistoryQuery = (id: string, version: number) =>
  queryOptions({
    queryKey: [module, 'history', id, version],
    queryFn: async ({ signal }) =>
      (await api.get<{ items: HistoryStep[] }>(one(id, '/history'), { signal })).items ?? [],
  })

export const mapQuery = (query: { asset_id?: string; system_id?: string; depth?: string }) =>
  queryOptions({
    queryKey: [module, 'map', query],
    queryFn: ({ signal }) => api.get<AssetMap>('/fleet/map', { query, signal }),
    enabled: Boolean(query.asset_id || query.system_id),
  })

export const addLink = (body: { from_id: string; to_id: string; kind: string }) =>
  api.post<AssetLink>('/fleet/links', body)
export const removeLink = (id: string) => api.delete<void>(`/fleet/links/${encodeURIComponent(id)}`)

const proposal = (id: string, action: string) => `/fleet/proposals/${encodeURIComponent(id)}${action}`
export const fetchProposals = (query: Query, signal: AbortSignal) =>
  api.get<Page<Proposal>>('/fleet/proposals', { query, signal })
export const acceptProposal = (id: string, body: { name?: string; system_id?: string; version: number }) =>
  api.post<Proposal>(proposal(id, '/accept'), body)
export const declineProposal = (id: string, body: { reason: string; version: number }) =>
  api.post<Proposal>(proposal(id, '/decline'), body)

export async function searchAssets(text: string, signal: AbortSignal): Promise<SearchHit[]> {
  const page = await fetchAssets({ q: text, limit: 5 }, signal)
  return (page.items ?? []).map((a) => ({ id: a.id, text: a.name, hint: a.number, to: `/fleet/assets/${a.id}` }))
}
