/** The shapes of the API, as the console uses them. Times are RFC 3339 UTC; ids are UUIDv7. */

export interface Page<T> {
  items: T[]
  next_cursor: string
  total: number
  total_capped: boolean
}

/** RFC 9457 problem document. `code` is stable; people read a translation of it. */
export interface Problem {
  type?: string
  title?: string
  status?: number
  detail?: string
  code: string
  errors?: ProblemError[]
  request_id?: string
}

export interface ProblemError {
  location?: string
  message: string
  code?: string
  value?: unknown
}

/** A title which the server carries in both languages. */
export interface Titled {
  title_zh: string
  title_en: string
}

export type Mode = 'trial' | 'production'

export interface Grant {
  role: string
  area_path: string
  system_id: string
}

export interface Me {
  account: { id: string; login: string; display_name: string; totp_enabled: boolean }
  roles: Grant[]
  permissions: string[]
  mode: Mode
  session: { id: string; fresh_until?: string | null; idle_timeout_seconds: number; expires_at: string }
  server_time: string
  version: string
  installation: { name: string; fingerprint: string; area_path: string }
}

export type AccountState = 'invited' | 'active' | 'disabled' | 'removed'

export interface Account {
  id: string
  login: string
  display_name: string
  state: AccountState
  totp_enabled: boolean
  grants: Grant[]
  last_sign_in_at?: string | null
  created_at: string
  version: number
  erased: boolean
}

export interface Invitation {
  invitation_url: string
  expires_at: string
}

export interface Role extends Titled {
  role: string
  permissions: string[]
  excludes: string[]
}

export interface Permission extends Titled {
  name: string
}

export interface Session {
  id: string
  created_at: string
  last_seen_at: string
  remote: string
  user_agent: string
  current: boolean
}

export interface ProductionStatus {
  mode: Mode
  missing: (Titled & { code: string })[]
}

export interface Area {
  path: string
  code: string
  name_zh: string
  name_en: string
  parent_path: string
  level: number | string
}

export interface System {
  id: string
  key: string
  name_zh: string
  name_en: string
  area_path: string
}

/** Check state (检查状态). UNKNOWN with reason "no_source" is shown apart: neither green nor red. */
export type CheckState = 'OK' | 'WARNING' | 'CRITICAL' | 'UNKNOWN'
