import { queryOptions } from '@tanstack/react-query'
import { api } from './client'
import type { CheckState, Page } from './types'

/** Asset (资产): a host, or a component that lies on one. */
export interface Asset {
  id: string
  number: string
  kind: 'host' | 'component' | 'network'
  name: string
  hostname: string
  parent_id: string
  area_path: string
  system_id: string
  state: 'active' | 'retired'
  facts: {
    os: string
    kernel: string
    arch: string
    cpus: number
    memory_bytes: number
    machine: string
    agent: string
  }
  labels: Record<string, string>
  created_at: string
  updated_at: string
  version: number
  worst_state: CheckState | ''
}

export const fleetModule = 'fleet'

/** Assets to choose from; a search of the server, since there may be many. */
export const assetChoicesQuery = (text: string) =>
  queryOptions({
    queryKey: [fleetModule, 'assets', 'pick', text],
    queryFn: async ({ signal }) =>
      (
        await api.get<Page<Asset>>('/fleet/assets', {
          query: { q: text || undefined, state: 'active', limit: 50 },
          signal,
        })
      ).items ?? [],
    staleTime: 60_000,
    placeholderData: (old) => old,
  })

export const assetQuery = (id: string) =>
  queryOptions({
    queryKey: [fleetModule, 'asset', id],
    queryFn: ({ signal }) => api.get<Asset>(`/fleet/assets/${encodeURIComponent(id)}`, { signal }),
  })
