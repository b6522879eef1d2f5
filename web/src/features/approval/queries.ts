import { queryOptions } from '@tanstack/react-query'
import { api, type Query } from '@/shared/api/client'
import type { components } from '@/shared/api/schema'
import type { Page } from '@/shared/api/types'

export const module = 'approval'

/** A matter that waits for a decision, or what was decided (审批事项). */
export type Request = components['schemas']['RequestView']

export const keys = { requests: [module, 'requests'] as const }

export const fetchRequests = (query: Query, signal: AbortSignal) =>
  api.get<Page<Request>>('/approval/requests', { query, signal })

const one = (id: string, action = '') => `/approval/requests/${encodeURIComponent(id)}${action}`

export const requestQuery = (id: string) =>
  queryOptions({
    queryKey: [module, 'request', id],
    queryFn: ({ signal }) => api.get<Request>(one(id), { signal }),
  })

export interface Decision {
  approve: boolean
  reason?: string
  how: 'here' | 'document' | 'paper'
  outside_number?: string
  outside_who?: string
  outside_on?: string
  version: number
}
export const decide = (id: string, body: Decision) => api.post<Request>(one(id, '/decide'), body)
export const withdraw = (id: string, body: { reason: string; version: number }) =>
  api.post<Request>(one(id, '/withdraw'), body)
