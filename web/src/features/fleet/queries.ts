import { api, type Query } from '@/shared/api/client'
import { fleetModule as module, type Asset } from '@/shared/api/fleet'
import { inspectModule, type Check } from '@/shared/api/inspect'
import type { Page } from '@/shared/api/types'
import type { SearchHit } from '@/shared/feature'

export { module }

export const keys = {
  assets: [module, 'assets'] as const,
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
}

export const createAsset = (body: NewAsset, idempotencyKey: string) =>
  api.post<Asset>('/fleet/assets', body, { idempotencyKey })

export interface AssetChange {
  name?: string
  area_path?: string
  system_id?: string
  labels?: Record<string, string>
  version: number
}
export const changeAsset = (id: string, body: AssetChange) => api.patch<Asset>(one(id), body)
export const retireAsset = (id: string, body: { reason: string; version: number }) =>
  api.post<Asset>(one(id, '/retire'), body)

export async function searchAssets(text: string, signal: AbortSignal): Promise<SearchHit[]> {
  const page = await fetchAssets({ q: text, limit: 5 }, signal)
  return (page.items ?? []).map((a) => ({ id: a.id, text: a.name, hint: a.number, to: `/fleet/assets/${a.id}` }))
}
