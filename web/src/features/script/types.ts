import type { CheckClass, Perf } from '@/shared/api/inspect'
import type { CheckState } from '@/shared/api/types'

export const interpreters = ['sh', 'bash', 'ksh', 'perl', 'python3', 'python2'] as const
export const paramTypes = ['string', 'int', 'float', 'bool', 'choice'] as const
export const ruleKinds = ['column', 'number', 'text'] as const
export const states = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const

/** One thing that a check with this script sets (参数). */
export interface Param {
  name: string
  title: string
  type: (typeof paramTypes)[number]
  required?: boolean
  default?: string
  min?: number
  max?: number
  choices?: string[]
  pattern?: string
  secret?: boolean
}

export interface Arg {
  parts: string[]
  when?: string
}

/** One look at the output of a script (判定规则). */
export interface Rule {
  name: string
  kind: (typeof ruleKinds)[number]
  pattern?: string
  state?: CheckState
  label?: string
  uom?: string
  warn?: string
  crit?: string
  optional?: boolean
  column?: string
  header?: string
  names?: string
}

export interface Rules {
  encoding?: string
  source?: string
  exit_codes?: { code: number; state: string }[]
  rules: Rule[]
  otherwise?: string
}

export interface Manifest {
  interpreter: string
  judge: 'plugin' | 'rules'
  params: Param[]
  args: Arg[]
  rules: Rules
  timeout_seconds: number
  memory_mb?: number
  processes?: number
}

/** A script under a name (脚本包). */
export interface Script {
  id: string
  name: string
  title: string
  class: CheckClass
  area_path: string
  system_id: string
  latest: number
  current: number
  draft_id: string
  created_at: string
  updated_at: string
}

interface Person {
  id: string
  display_name: string
}

export interface Version {
  id: string
  package_id: string
  number: number
  state: 'draft' | 'released' | 'retired'
  manifest: Manifest
  body_sha256: string
  sha256: string
  note: string
  created_by: Person | null
  created_at: string
  released_by: Person | null
  released_at: string | null
  version: number
}

export interface VersionDetail extends Version {
  /** Base64: a script may be in any encoding. */
  body: string
}

export interface ScriptDetail extends Script {
  versions: Version[]
}

export interface Match {
  /** UTF-16 units of the text, as strings here count. */
  start: number
  end: number
  label?: string
  value?: number
  state: CheckState
}

export interface Said {
  name: string
  state: CheckState | ''
  skipped: boolean
  matches: Match[]
}

export interface Judgement {
  text: string
  encoding: string
  rules: Said[]
  exit_code: string
  decided: 'rules' | 'exit_code' | 'otherwise' | 'empty'
  state: CheckState
  reason: string
  summary: string
  perfdata: Perf[]
}

export interface Tried {
  ended: string
  exit: number
  signal: number
  duration_ms: number
  cpu_ms: number
  max_rss: number
  survivors: number
  stdout: string
  stderr: string
  stdout_cut: boolean
  stderr_cut: boolean
  encoding: string
  state: CheckState
  reason: string
  summary: string
  details: string
  perfdata: Perf[]
  judgement: Judgement | null
  runs_as: string
  isolated: boolean
}

export interface Plugin {
  path: string
  name: string
}
