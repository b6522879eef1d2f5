import { queryOptions } from '@tanstack/react-query'
import { api } from '@/shared/api/client'
import type { components } from '@/shared/api/schema'

type Schemas = components['schemas']

export const module = 'calendar'

export type Year = Schemas['YearView']
export type Day = Schemas['DayView']
export type Period = Schemas['PeriodView']
export type List = Schemas['ListView']
export type BadLine = Schemas['BadLine']
export type DayKind = Day['kind']
export type PeriodKind = Period['kind']
export const periodKinds: PeriodKind[] = ['filing', 'filing_major', 'settlement', 'holiday', 'event']

export const yearQuery = (year: number) =>
  queryOptions({
    queryKey: [module, 'year', year],
    queryFn: ({ signal }) => api.get<Year>(`/calendar/years/${year}`, { signal }),
  })

export const statusQuery = queryOptions({
  queryKey: [module, 'status'],
  queryFn: ({ signal }) => api.get<Schemas['StatusView']>('/calendar/status', { signal }),
})

export type ListBody = Schemas['ListBody']
export type PeriodsBody = Schemas['PeriodsBody']

export const previewList = (body: ListBody) => api.post<Schemas['DaysPreview']>('/calendar/lists/preview', body)
export const importList = (body: ListBody, idempotencyKey: string) =>
  api.post<Year>('/calendar/lists', body, { idempotencyKey })
export const previewPeriods = (body: PeriodsBody) =>
  api.post<Schemas['PeriodsPreview']>('/calendar/periods/preview', body)
export const importPeriods = (body: PeriodsBody, idempotencyKey: string) =>
  api.post<{ items: Period[] }>('/calendar/periods/import', body, { idempotencyKey })
export const addPeriod = (body: Schemas['PeriodBody'], idempotencyKey: string) =>
  api.post<Period>('/calendar/periods', body, { idempotencyKey })
export const removePeriod = (id: string, reason: string) =>
  api.post<void>(`/calendar/periods/${encodeURIComponent(id)}/remove`, { reason })
