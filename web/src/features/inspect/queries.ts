import { queryOptions } from '@tanstack/react-query'
import { api, type Query } from '@/shared/api/client'
import {
  checkClasses,
  inspectModule as module,
  type Check,
  type CheckClass,
  type Plan,
  type PlanSelector,
  type Round,
  type Timing,
} from '@/shared/api/inspect'
import type { Page } from '@/shared/api/types'
import type { components } from '@/shared/api/schema'
import type { SearchHit } from '@/shared/feature'
import { getPrefs } from '@/shared/lib/prefs'
import { serverNow } from '@/shared/lib/time'
import {
  findingStates,
  type Ahead,
  type Daily,
  type DailyDetail,
  type Finding,
  type FindingDetail,
  type Gap,
  type History,
  type Kind,
  type MetricSpec,
  type Result,
  type RoundDetail,
  type ThresholdChange,
  type ThresholdProposals,
} from './types'

export { module }

const one = (resource: string, id: string, action = '') => `/inspect/${resource}/${encodeURIComponent(id)}${action}`

export const keys = {
  checks: [module, 'checks'] as const,
  rounds: [module, 'rounds'] as const,
  plans: [module, 'plans'] as const,
  findings: [module, 'findings'] as const,
  results: [module, 'results'] as const,
  gaps: [module, 'gaps'] as const,
}

const list =
  <T>(path: string) =>
  (query: Query, signal: AbortSignal) =>
    api.get<Page<T>>(path, { query, signal })

export const fetchChecks = list<Check>('/inspect/checks')
export const fetchRounds = list<Round>('/inspect/rounds')
export const fetchPlans = list<Plan>('/inspect/plans')
export const fetchFindings = list<Finding>('/inspect/findings')
export const fetchResults = list<Result>('/inspect/results')
export const fetchGaps = list<Gap>('/inspect/gaps')

const declared = {
  queryKey: [module, 'kinds'],
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    api.get<{ items: Kind[]; metrics: MetricSpec[] }>('/inspect/kinds', { signal }),
  staleTime: 10 * 60_000,
}

export const kindsQuery = queryOptions({ ...declared, select: (answer) => answer.items })

/** What measured values are called, by the name of their metric. */
export const metricsQuery = queryOptions({
  ...declared,
  select: (answer) => new Map(answer.metrics.map((metric) => [metric.name, metric])),
})

export const checkQuery = (id: string) =>
  queryOptions({
    queryKey: [module, 'check', id],
    queryFn: ({ signal }) => api.get<Check>(one('checks', id), { signal }),
  })

/** What the history of a check suggests; worked out anew each time it is looked at. */
export const proposalsQuery = (id: string, days: number) =>
  queryOptions({
    queryKey: [module, 'proposals', id, days],
    queryFn: async ({ signal }) => {
      const found = await api.get<ThresholdProposals>(one('checks', id, '/threshold-proposals'), {
        query: { days },
        signal,
      })
      return { ...found, items: found.items ?? [] }
    },
  })

export const thresholdChangesQuery = (id: string) =>
  queryOptions({
    queryKey: [module, 'threshold-changes', id],
    queryFn: async ({ signal }) =>
      (await api.get<{ items: ThresholdChange[] }>(one('checks', id, '/threshold-changes'), { signal })).items ?? [],
  })

/** Says that a check, or every check of its kind, is not applicable to an asset (不适用). */
export type Exemption = components['schemas']['ExemptionView']

export const exemptionsQuery = (assetId: string, kind: string) =>
  queryOptions({
    queryKey: [module, 'exemptions', assetId, kind],
    queryFn: async ({ signal }) =>
      (
        await api.get<Page<Exemption>>('/inspect/exemptions', {
          query: { asset_id: assetId, kind, limit: 50 },
          signal,
        })
      ).items ?? [],
  })

export const proposeExemption = (body: { check_id: string; reason: string; until?: string; whole_kind?: boolean }) =>
  api.post<Exemption>('/inspect/exemptions', body)
export const endExemption = (id: string, body: { reason: string; version: number }) =>
  api.post<Exemption>(one('exemptions', id, '/end'), body)

export const resultQuery = (id: string) =>
  queryOptions({
    queryKey: [module, 'result', id],
    queryFn: ({ signal }) => api.get<Result>(one('results', id), { signal }),
    staleTime: Infinity,
  })

export const planQuery = (id: string) =>
  queryOptions({
    queryKey: [module, 'plan', id],
    queryFn: ({ signal }) => api.get<Plan>(one('plans', id), { signal }),
  })

export const roundQuery = (id: string) =>
  queryOptions({
    queryKey: [module, 'round', id],
    queryFn: async ({ signal }) => {
      const round = await api.get<RoundDetail>(one('rounds', id), { signal })
      return { ...round, items: round.items ?? [] }
    },
    refetchInterval: (query) => (query.state.data?.state === 'running' ? 1_000 : false),
  })

export const findingQuery = (id: string) =>
  queryOptions({
    queryKey: [module, 'finding', id],
    queryFn: async ({ signal }) => {
      const finding = await api.get<FindingDetail>(one('findings', id), { signal })
      return { ...finding, timeline: finding.timeline ?? [] }
    },
  })

/** Values and states of the time up to now; the window moves with each question. */
export const historyQuery = (id: string, span: Span) =>
  queryOptions({
    queryKey: [module, 'history', id, span],
    queryFn: async ({ signal }): Promise<History & { from: number; to: number }> => {
      const to = serverNow()
      const from = to - spans[span]
      const history = await api.get<History>(one('checks', id, '/history'), {
        query: { from: new Date(from).toISOString(), to: new Date(to).toISOString(), points: 400 },
        signal,
      })
      return { series: history.series ?? [], states: history.states ?? [], from, to }
    },
    placeholderData: (old) => old,
    refetchInterval: 60_000,
  })

/** The states of a finding that somebody still has to do something about. */
export const notClosed = 'open,assigned,repaired'

const hour = 3_600_000
export const spans = {
  '1h': hour,
  '6h': 6 * hour,
  '24h': 24 * hour,
  '7d': 168 * hour,
  '90d': 2160 * hour,
  '640d': 15_360 * hour,
}
export type Span = keyof typeof spans

const totalOf = async (path: string, query: Query, signal: AbortSignal) => {
  const page = await api.get<Page<unknown>>(path, { query: { ...query, limit: 1 }, signal })
  return { total: page.total, capped: page.total_capped }
}

export interface Count {
  total: number
  capped: boolean
}

/**
 * How many checks each class has, and how many of them call for a person: what has no source is UNKNOWN to the
 * server, and does not. "" is all classes.
 */
export const classCountsQuery = queryOptions({
  queryKey: [...keys.checks, 'counts'],
  queryFn: async ({ signal }) => {
    const path = '/inspect/checks'
    const silent = (
      await api.get<Page<Check>>(path, { query: { enabled: true, reason: 'no_source', limit: 200 }, signal })
    ).items
    const counts = await Promise.all(
      ['' as const, ...checkClasses].map(async (c): Promise<[CheckClass | '', { all: Count; bad: number }]> => {
        const narrow = { class: c || undefined, enabled: true }
        const [all, bad] = await Promise.all([
          totalOf(path, narrow, signal),
          totalOf(path, { ...narrow, state: 'CRITICAL,UNKNOWN,WARNING' }, signal),
        ])
        return [c, { all, bad: bad.total - silent.filter((check) => !c || check.class === c).length }]
      }),
    )
    return new Map(counts)
  },
})

/** How many findings stand in each state under the other filters of the list. */
export const findingCountsQuery = (filters: Query) =>
  queryOptions({
    queryKey: [...keys.findings, 'counts', filters],
    queryFn: async ({ signal }) =>
      Object.fromEntries(
        await Promise.all(
          findingStates.map(async (state) => [
            state,
            await totalOf('/inspect/findings', { ...filters, state }, signal),
          ]),
        ),
      ) as Record<string, Count>,
    placeholderData: (old) => old,
  })

export const openFindingsQuery = queryOptions({
  queryKey: [...keys.findings, 'badge'],
  queryFn: ({ signal }) => totalOf('/inspect/findings', { state: notClosed }, signal),
})

export interface NewCheck {
  asset_id: string
  kind: string
  params: Record<string, unknown>
  warn: Record<string, string>
  crit: Record<string, string>
}

export interface CheckChange {
  params?: Record<string, unknown>
  warn?: Record<string, string>
  crit?: Record<string, string>
  enabled?: boolean
  reason: string
  version: number
}

export const createCheck = (body: NewCheck, idempotencyKey: string) =>
  api.post<Check>('/inspect/checks', body, { idempotencyKey })
export const changeCheck = (id: string, body: CheckChange) => api.patch<Check>(one('checks', id), body)
export const tryCheck = (id: string) => api.post<Result>(one('checks', id, '/try'))

export interface PlanBody {
  name: string
  interval_seconds: number
  classes: CheckClass[]
  timing: Timing
  selector: Omit<PlanSelector, 'classes'>
}
export interface NewPlan extends PlanBody {
  area_path: string
  system_id?: string
}

/** What a plan would do, as the server reckons it; the same as long as nothing is typed. */
export const planPreviewQuery = (body: NewPlan, enabled: boolean) =>
  queryOptions({
    queryKey: [...keys.plans, 'preview', body],
    queryFn: () => api.post<Ahead>('/inspect/plans/preview', body),
    enabled,
    retry: false,
    placeholderData: (old) => old,
  })

export const planAheadQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.plans, 'ahead', id],
    queryFn: ({ signal }) => api.get<Ahead>(one('plans', id, '/ahead'), { signal }),
  })

export const createPlan = (body: NewPlan, idempotencyKey: string) =>
  api.post<Plan>('/inspect/plans', body, { idempotencyKey })
export const changePlan = (id: string, body: Partial<PlanBody> & { enabled?: boolean; version: number }) =>
  api.patch<Plan>(one('plans', id), body)

export const assignFinding = (
  id: string,
  body: { account_id: string; due_at?: string; note?: string; version: number },
) => api.post<Finding>(one('findings', id, '/assign'), body)
export const postponeFinding = (id: string, body: { due_at: string; reason: string; version: number }) =>
  api.post<Finding>(one('findings', id, '/postpone'), body)
export const commentFinding = (id: string, text: string) => api.post<Finding>(one('findings', id, '/comment'), { text })
export const repairFinding = (id: string, body: { note: string; version: number }) =>
  api.post<Finding>(one('findings', id, '/repaired'), body)
export const seeFinding = (id: string) => api.post<void>(one('findings', id, '/see'))

const inEnglish = () => getPrefs().language === 'en'

export async function searchFindings(text: string, signal: AbortSignal): Promise<SearchHit[]> {
  const page = await fetchFindings({ q: text, limit: 5 }, signal)
  return (page.items ?? []).map((f) => ({
    id: f.id,
    text: inEnglish() ? f.title_en : f.title_zh,
    hint: f.number,
    to: `/inspect/findings/${f.id}`,
  }))
}

export async function searchChecks(text: string, signal: AbortSignal): Promise<SearchHit[]> {
  const page = await fetchChecks({ q: text, limit: 5 }, signal)
  return (page.items ?? []).map((c) => ({
    id: c.id,
    text: [inEnglish() ? c.title_en : c.title_zh, c.target].filter(Boolean).join(' '),
    hint: c.asset_name,
    to: `/inspect/checks/${c.id}`,
  }))
}

/** The check of a day as it was signed; that of today as things stand. */
export const dailyQuery = (day: string | undefined) =>
  queryOptions({
    queryKey: [module, 'daily', day ?? 'today'],
    queryFn: ({ signal }) =>
      api.get<DailyDetail>(day ? `/inspect/daily/days/${encodeURIComponent(day)}` : '/inspect/daily/today', { signal }),
    placeholderData: (old) => old,
  })

export const dailyListQuery = queryOptions({
  queryKey: [module, 'daily', 'list'],
  queryFn: async ({ signal }) =>
    (await api.get<Page<Daily>>('/inspect/daily', { query: { limit: 14 }, signal })).items ?? [],
})

export const signDaily = (
  day: string,
  body: { notes: Record<string, string>; remark: string; fingerprint: string },
  idempotencyKey: string,
) => api.post<DailyDetail>(`/inspect/daily/days/${encodeURIComponent(day)}/sign`, body, { idempotencyKey })
