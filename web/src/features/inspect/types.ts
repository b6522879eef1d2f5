import type { CheckClass, Perf, Round } from '@/shared/api/inspect'
import type { CheckState, Titled } from '@/shared/api/types'

export interface ParamSpec extends Titled {
  name: string
  type: 'string' | 'int' | 'float' | 'bool' | 'strings'
  required: boolean
  default?: unknown
  secret: boolean
}

export interface ThresholdSpec {
  metric: string
  warn: string
  crit: string
  unit: string
}

/** What a measured value is called: of "used_percent /var" the part before the blank. */
export interface MetricSpec extends Titled {
  name: string
}

/** Kind of check (检查项类型), as the server declares it; forms are made from it. */
export interface Kind extends Titled {
  kind: string
  class: CheckClass
  help_zh: string
  help_en: string
  params: ParamSpec[]
  thresholds: ThresholdSpec[]
  verified: 'tested' | 'samples'
  verified_on: string
}

/** Ranges of one metric that follow from what was measured (阈值建议); a person takes them over. */
export interface ThresholdProposal {
  metric: string
  unit: string
  code: 'proposed' | 'same' | 'too_little' | 'constant' | 'any' | 'no_side'
  warn: string
  crit: string
  floor: boolean
  now_warn: string
  now_crit: string
  kind_warn: string
  kind_crit: string
  basis: {
    values: number
    days: number
    from: string
    to: string
    median: number
    p95: number
    p99: number
    worst: number
    now_warn: number
    now_crit: number
    then_warn: number
    then_crit: number
  }
}

export interface ThresholdProposals {
  days: number
  version: number
  items: ThresholdProposal[]
}

export interface ThresholdChange {
  seq: number
  at: string
  actor: { kind: string; id: string; display_name: string }
  reason: string
  metric: string
  unit: string
  side: 'warn' | 'crit'
  before: string
  after: string
}

export interface Result extends Titled {
  id: string
  check_id: string
  asset_id: string
  asset_name: string
  class: CheckClass
  kind: string
  target: string
  round_id: string
  state: CheckState
  reason: string
  summary: string
  details: string
  perfdata: Perf[]
  ran_at: string
  duration_ms: number
  sha256: string
  /** Name and version of the script that ran, and its digest; empty for other checks. */
  script?: string
  script_sha256?: string
}

export interface RoundItem extends Titled {
  check_id: string
  asset_name: string
  class: CheckClass
  target: string
  state: 'planned' | 'ran' | 'missed'
  missed_reason: string
  result: Result | null
}

export interface RoundDetail extends Round {
  items: RoundItem[]
}

export const findingStates = ['open', 'assigned', 'repaired', 'closed'] as const
export type FindingState = (typeof findingStates)[number]
export type Severity = 'warning' | 'critical' | 'unknown'

export interface Person {
  id: string
  display_name: string
}

/** Finding (隐患): what is wrong with one check, from its first bad result to its first good one. */
export interface Finding extends Titled {
  id: string
  number: string
  state: FindingState
  severity: Severity
  summary: string
  check_id: string
  asset_id: string
  asset_name: string
  kind: string
  class: CheckClass
  area_path: string
  system_id: string
  opened_at: string
  last_seen_at: string
  seen_count: number
  closed_at?: string | null
  assignee: Person | null
  due_at?: string | null
  /** Due time that fits its severity, while nobody has it. */
  proposed_due_at?: string | null
  /** The due time has passed without a good result. */
  overdue: boolean
  /** Times the due time was moved. */
  postponed: number
  /** Findings of the same check before this one, each soon after the last. */
  recurrence: number
  previous_id: string
  version: number
  check_state: CheckState | ''
}

export interface TimelineEntry {
  seq: number
  type: string
  at: string
  actor: { kind: string; id: string; display_name: string }
  /** What a person wrote. */
  text: string
  fields: Record<string, unknown>
}

export interface FindingDetail extends Finding {
  timeline: TimelineEntry[]
  result: Result | null
}

export interface Gap {
  id: string
  plan_id: string
  from: string
  to: string
  missed_rounds: number
  reason: string
  noted_at: string
}

export interface Series {
  label: string
  uom: string
  points: [number, number][]
  /** Where points were left out: time, lowest, average and highest of each span. */
  band?: [number, number, number, number][]
  warn: string
  crit: string
}

/** A span of time in which a check said the same. */
export interface Stretch {
  from: string
  to: string
  state: CheckState | 'NO_SOURCE'
}

export interface History {
  series: Series[]
  states: Stretch[]
}

/** One moment at which a plan is due, and why it is there. */
export interface Slot {
  at: string
  why: 'interval' | 'time' | 'period' | 'period_begins' | 'calendar_missing'
  day_kind: 'workday' | 'off' | 'makeup' | 'unpublished'
  day_name: string
  provisional: boolean
  period: string
}

export interface Ahead {
  slots: Slot[]
  checks: number
  assets: number
  missing: number[]
}

/** What a time was to bring and brought. */
export interface DailySpan {
  rounds: number
  planned: number
  ran: number
  missed: number
  gap_rounds: number
}

export interface DailyItem extends Titled {
  key: string
  kind: 'check' | 'gap' | 'missed' | 'plan' | 'calendar'
  severity: 'CRITICAL' | 'UNKNOWN' | 'WARNING'
  detail: string
  since?: string | null
  href: string
  finding_id: string
  note: string
}

/** Health check of a day (早检). */
export interface Daily {
  day: string
  state: 'draft' | 'signed' | 'missed' | 'none'
  due_at?: string | null
  late: boolean
  signed_at?: string | null
  signed_by?: Person | null
  sha256: string
}

export interface DailyDetail extends Daily {
  day_kind: Slot['day_kind']
  periods: string[]
  since: string
  figures: {
    since: DailySpan
    today: DailySpan
    ok: number
    warning: number
    critical: number
    unknown: number
    no_source: number
    not_run: number
    open: number
    overdue: number
    opened: number
    closed: number
  }
  items: DailyItem[]
  more: number
  /** What is shown, to be sent when signing. */
  fingerprint: string
  text: string
  open: Finding[]
  opened: Finding[]
  closed: Finding[]
}
