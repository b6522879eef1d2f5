import { queryOptions, useQuery } from '@tanstack/react-query'
import { useCallback } from 'react'
import { useLocalized } from '@/shared/lib/localized'
import { api } from './client'
import type { Area, System } from './types'

const rarely = 10 * 60_000

export const areasQuery = queryOptions({
  queryKey: ['org', 'areas'],
  queryFn: async ({ signal }) => (await api.get<{ items: Area[] }>('/org/areas', { signal })).items ?? [],
  staleTime: rarely,
})

export const systemsQuery = queryOptions({
  queryKey: ['org', 'systems'],
  queryFn: async ({ signal }) => (await api.get<{ items: System[] }>('/org/systems', { signal })).items ?? [],
  staleTime: rarely,
})

/** Names of areas (区局、市局) and systems in the language of the page. */
export function useOrgNames() {
  const areas = useQuery(areasQuery).data
  const systems = useQuery(systemsQuery).data
  const { name } = useLocalized()
  const areaName = useCallback(
    (path: string) => {
      const area = areas?.find((a) => a.path === path)
      return area ? name(area) : path
    },
    [areas, name],
  )
  const systemName = useCallback(
    (id: string) => {
      const system = systems?.find((s) => s.id === id)
      return system ? name(system) : id
    },
    [systems, name],
  )
  return { areas: areas ?? [], systems: systems ?? [], areaName, systemName }
}
