import { queryOptions } from '@tanstack/react-query'
import { api, newKey } from './client'
import type { CheckState, Page, Titled } from './types'

/** What more than one feature shows of the inspection: the home page its last round, an asset its checks. */

export const checkClasses = ['os_log', 'hardware', 'service', 'performance', 'instance', 'data'] as const
export type CheckClass = (typeof checkClasses)[number]

/** One measured value (性能数据). The ranges are texts of the plug-in convention: "80", "10:", "@1:5". */
export interface Perf {
  label: string
  value: number
  uom: string
  warn?: string
  crit?: string
  min?: number | null
  max?: number | null
}

export interface CurrentState {
  state: CheckState
  reason: string
  summary: string
  since: string
  ran_at: string
  perfdata: Perf[]
  result_id: string
}

/** Check (检查项): one kind with its settings on one asset. Threshold ranges are those that hold now, by metric. */
export interface Check extends Titled {
  id: string
  asset_id: string
  asset_name: string
  kind: string
  class: CheckClass
  target: string
  origin: 'discovered' | 'added'
  /** What discovery saw. */
  why: string
  /** Without the secret ones; secrets_set names those that are set. */
  params: Record<string, unknown>
  secrets_set: string[]
  warn: Record<string, string>
  crit: Record<string, string>
  enabled: boolean
  /** active: not applicable by an approved decision, counted nowhere; proposed: waits for one. */
  exemption: 'none' | 'proposed' | 'active'
  area_path: string
  system_id: string
  version: number
  current: CurrentState | null
  open_finding_id: string
}

export interface StateCounts {
  ok: number
  warning: number
  critical: number
  unknown: number
  no_source: number
}

/** Round (巡检轮次): one walk over the checks of a plan. */
export interface Round {
  id: string
  number: string
  plan_id: string
  plan_name: string
  plan_name_en: string
  trigger: 'schedule' | 'manual' | 'start'
  state: 'running' | 'finished'
  due_at: string
  /** Why its slot was there; empty when a person began it. */
  due_why: string
  started_at: string
  finished_at?: string | null
  planned: number
  ran: number
  missed: number
  worst_state: CheckState | ''
  counts: StateCounts
  started_by?: { id: string; display_name: string } | null
  missed_reason?: string
  tree_root: string
  area_path: string
}

export const periodKinds = ['filing', 'filing_major', 'settlement', 'holiday', 'event'] as const
export type PeriodKind = (typeof periodKinds)[number]

/** When a plan is due beside its interval: rhythm, days, and what periods that want more care do. */
export interface Timing {
  rhythm: 'interval' | 'times'
  times: string[]
  days: 'every' | 'workdays'
  protection: 'ignore' | 'only' | 'denser'
  periods: PeriodKind[]
  dense_seconds: number
}

export interface PlanSelector {
  classes: CheckClass[]
  /** Kinds of checks besides those of the classes. */
  kinds: string[]
  asset_kinds: string[]
  labels: Record<string, string>
}

/** Plan (巡检计划): which checks are walked, and when. */
export interface Plan {
  id: string
  name: string
  name_en: string
  interval_seconds: number
  enabled: boolean
  next_due_at: string
  last_round: {
    id: string
    number: string
    state: Round['state']
    worst_state: CheckState | ''
    finished_at?: string | null
  } | null
  check_count: number
  asset_count: number
  /** empty: it is on, and no check belongs to it; never: it is on, and has no slot ahead. */
  state: 'on' | 'off' | 'empty' | 'never'
  empty_since?: string | null
  /** Years whose workdays matter and are not known: it runs every day. */
  calendar_missing: number[]
  timing: Timing
  selector: PlanSelector
  area_path: string
  system_id: string
  version: number
}

export const inspectModule = 'inspect'

export const lastRoundQuery = queryOptions({
  queryKey: [inspectModule, 'rounds', 'last'],
  queryFn: async ({ signal }) => {
    const page = await api.get<Page<Round>>('/inspect/rounds', { query: { limit: 1 }, signal })
    return page.items?.[0] ?? null
  },
  refetchInterval: (query) => (query.state.data?.state === 'running' ? 2_000 : false),
})

/** Plans are few: a bureau has a handful, and menus want them all. */
export const plansQuery = queryOptions({
  queryKey: [inspectModule, 'plans', 'all'],
  queryFn: async ({ signal }) =>
    (await api.get<Page<Plan>>('/inspect/plans', { query: { limit: 200 }, signal })).items ?? [],
})

export const runPlan = (id: string) =>
  api.post<Round>(`/inspect/plans/${encodeURIComponent(id)}/run`, undefined, { idempotencyKey: newKey() })
