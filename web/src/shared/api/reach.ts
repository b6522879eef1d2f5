import { queryOptions } from '@tanstack/react-query'
import { api, type Query } from './client'
import type { components } from './schema'
import type { Page } from './types'

export type Login = components['schemas']['LoginView']

export const reachModule = 'reach'

export const fetchLogins = (query: Query, signal: AbortSignal) =>
  api.get<Page<Login>>('/inspect/logins', { query, signal })

/** The first logins by name, to choose from. */
export const loginChoicesQuery = queryOptions({
  queryKey: [reachModule, 'choices'],
  queryFn: async ({ signal }) => (await fetchLogins({ limit: 200 }, signal)).items ?? [],
  staleTime: 30_000,
})
