import type { Check, Plan } from '@/shared/api/inspect'
import { me } from '@/test/api'
import type { Ahead, FindingDetail, Kind, Result, RoundDetail, RoundItem } from './types'

/** Things as the server answers them, for the tests of this feature. */

export const engineer = {
  ...me,
  permissions: [
    'access.account.read',
    'journal.read',
    'fleet.read',
    'inspect.read',
    'inspect.run',
    'inspect.manage',
    'inspect.finding.handle',
  ],
}

export const httpKind: Kind = {
  kind: 'service.http',
  class: 'service',
  title_zh: 'HTTP 服务',
  title_en: 'HTTP service',
  help_zh: '请求一个地址。',
  help_en: 'Asks an address.',
  params: [
    { name: 'url', type: 'string', required: true, default: null, secret: false, title_zh: '地址', title_en: 'URL' },
    {
      name: 'status',
      type: 'int',
      required: false,
      default: 200,
      secret: false,
      title_zh: '状态码',
      title_en: 'Status',
    },
    {
      name: 'token',
      type: 'string',
      required: false,
      default: null,
      secret: true,
      title_zh: '令牌',
      title_en: 'Token',
    },
  ],
  thresholds: [
    { metric: 'time', warn: '1', crit: '3', unit: 's' },
    { metric: 'size', warn: '', crit: '', unit: 'B' },
  ],
  verified: 'tested',
  verified_on: 'Debian 12',
}

export const check: Check = {
  id: 'c-1',
  asset_id: 'as-1',
  asset_name: 'host-1',
  kind: 'service.http',
  class: 'service',
  title_zh: 'HTTP 服务',
  title_en: 'HTTP service',
  target: 'http://127.0.0.1:8080',
  origin: 'added',
  why: '',
  params: { url: 'http://127.0.0.1:8080', status: 200 },
  secrets_set: ['token'],
  warn: { time: '1', size: '' },
  crit: { time: '5', size: '' },
  enabled: true,
  exemption: 'none',
  area_path: '/45/',
  system_id: 'sys-1',
  version: 4,
  current: {
    state: 'CRITICAL',
    reason: 'threshold',
    summary: '耗时 8 秒',
    since: '2026-11-24T00:00:00Z',
    ran_at: '2026-11-24T00:30:00Z',
    perfdata: [
      { label: 'size', value: 2048, uom: 'B' },
      { label: 'time', value: 8, uom: 's', warn: '1', crit: '5' },
    ],
    result_id: 'res-1',
  },
  open_finding_id: 'f-1',
}

export const result = (more: Partial<Result> = {}): Result => ({
  id: 'res-1',
  check_id: 'c-1',
  asset_id: 'as-1',
  asset_name: 'host-1',
  class: 'service',
  kind: 'service.http',
  title_zh: 'HTTP 服务',
  title_en: 'HTTP service',
  target: '',
  round_id: 'r-1',
  state: 'OK',
  reason: '',
  summary: '正常',
  details: '',
  perfdata: [],
  ran_at: '2026-11-24T00:30:00Z',
  duration_ms: 12,
  sha256: 'ab',
  ...more,
})

export const item = (id: string, title: string, more: Partial<RoundItem> = {}): RoundItem => ({
  check_id: id,
  asset_name: 'host-1',
  class: 'service',
  title_zh: title,
  title_en: title,
  target: '',
  state: 'ran',
  missed_reason: '',
  result: result({ id: `res-${id}`, check_id: id }),
  ...more,
})

export const round = (items: RoundItem[], more: Partial<RoundDetail> = {}): RoundDetail => ({
  id: 'r-1',
  number: 'RND-2026-0007',
  plan_id: 'p-1',
  plan_name: '本机巡检',
  plan_name_en: 'This machine',
  trigger: 'manual',
  state: 'finished',
  due_at: '2026-11-24T01:00:00Z',
  due_why: '',
  started_at: '2026-11-24T01:00:00Z',
  finished_at: '2026-11-24T01:00:02Z',
  planned: items.length,
  ran: items.length,
  missed: 0,
  worst_state: 'CRITICAL',
  counts: { ok: 0, warning: 0, critical: 0, unknown: 0, no_source: 0 },
  tree_root: 'feed',
  area_path: '/45/',
  items,
  ...more,
})

export const plan: Plan = {
  id: 'p-1',
  name: '本机巡检',
  name_en: 'This machine',
  interval_seconds: 300,
  enabled: true,
  next_due_at: '2026-11-24T01:05:00Z',
  last_round: null,
  check_count: 3,
  asset_count: 1,
  state: 'on',
  calendar_missing: [],
  timing: { rhythm: 'interval', times: [], days: 'every', protection: 'ignore', periods: [], dense_seconds: 0 },
  selector: { classes: ['service', 'data'], kinds: [], asset_kinds: [], labels: {} },
  area_path: '/45/',
  system_id: '',
  version: 2,
}

export const ahead: Ahead = {
  checks: 3,
  assets: 1,
  missing: [],
  slots: [
    { at: '2026-12-31T00:20:00Z', why: 'time', day_kind: 'workday', day_name: '', provisional: true, period: '' },
    {
      at: '2027-01-01T00:20:00Z',
      why: 'calendar_missing',
      day_kind: 'unpublished',
      day_name: '',
      provisional: true,
      period: '1月大征期',
    },
  ],
}

export const finding = (more: Partial<FindingDetail> = {}): FindingDetail => ({
  id: 'f-1',
  number: 'FND-2026-0003',
  state: 'open',
  severity: 'critical',
  title_zh: 'HTTP 服务 127.0.0.1',
  title_en: 'HTTP 服务 127.0.0.1',
  kind: 'service.http',
  summary: '耗时 8 秒',
  check_id: 'c-1',
  asset_id: 'as-1',
  asset_name: 'host-1',
  class: 'service',
  area_path: '/45/',
  system_id: 'sys-1',
  opened_at: '2026-11-24T00:00:00Z',
  last_seen_at: '2026-11-24T00:30:00Z',
  seen_count: 7,
  closed_at: null,
  assignee: null,
  due_at: null,
  proposed_due_at: '2099-11-24T04:00:00Z',
  overdue: false,
  postponed: 0,
  recurrence: 0,
  previous_id: '',
  version: 5,
  check_state: 'CRITICAL',
  timeline: [
    {
      seq: 24,
      type: 'inspect.finding.opened',
      at: '2026-11-24T00:00:00Z',
      actor: { kind: 'system', id: 'inspect', display_name: '' },
      text: '',
      fields: { number: 'FND-2026-0003', severity: 'critical', result_id: 'res-1' },
    },
    {
      seq: 25,
      type: 'inspect.finding.seen',
      at: '2026-11-24T00:10:00Z',
      actor: { kind: 'account', id: 'a-2', display_name: '王海燕' },
      text: '',
      fields: { number: 'FND-2026-0003' },
    },
  ],
  result: result({ state: 'CRITICAL', summary: '耗时 8 秒' }),
  ...more,
})

export const org = {
  'GET /org/areas': {
    items: [{ path: '/45/', code: '450000', name_zh: '区局', name_en: 'Region', parent_path: '', level: 1 }],
  },
  'GET /org/systems': {
    items: [{ id: 'sys-1', key: 'platform', name_zh: '运维平台', name_en: 'Platform', area_path: '/45/' }],
  },
}

/** What GET /inspect/kinds answers. */
export const kinds = {
  items: [httpKind],
  metrics: [
    { name: 'time', title_zh: '耗时', title_en: 'Time taken' },
    { name: 'size', title_zh: '大小', title_en: 'Size' },
  ],
}
