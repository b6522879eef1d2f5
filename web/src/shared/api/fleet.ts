import { queryOptions } from '@tanstack/react-query'
import { api } from './client'
import type { components } from './schema'
import type { CheckState, Page } from './types'

/** Asset (资产): a host, a component that lies on one, or a network device. */
export type Asset = Omit<components['schemas']['AssetView'], 'worst_state'> & { worst_state: CheckState | '' }

/** What people say of an asset beside its name and place, by the names of the API. */
export const profileNames = [
  'address',
  'os',
  'environment',
  'criticality',
  'owner_name',
  'owner_phone',
  'vendor',
  'model',
  'serial',
  'location',
  'warranty_until',
  'reach',
] as const
export type ProfileName = (typeof profileNames)[number]

export const assetKinds = ['host', 'component', 'network'] as const
export const environments = ['production', 'disaster_recovery', 'staging', 'test', 'development'] as const
export const criticalities = ['core', 'important', 'general'] as const
export const reaches = ['direct', 'ssh', 'none'] as const

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
