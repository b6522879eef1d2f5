import type { Titled } from '@/shared/api/types'

export interface Row extends Titled {
  seq: number
  id: string
  type: string
  at: string
  actor: { kind: 'account' | 'system'; id: string; display_name: string }
  subject: { kind: string; id: string }
  area_path: string
  system_id: string
  request_id: string
  fields: Record<string, unknown>
  /** The text, or "erased", or "masked". */
  private: Record<string, string>
  /** What the accounts are called whose ids the fields and the subject hold. */
  names: Record<string, string>
  hash: string
  prev: string
}

export interface RowDetail extends Row {
  /** The record that is hashed (RFC 8785). */
  canonical: string
  segment: { number: number; leaf: string; proof: string[]; root: string } | null
}

export interface Verification {
  id: string
  state: 'running' | 'ok' | 'bad' | 'failed'
  started_at: string
  finished_at?: string | null
  rows: number
  pending: number
  bad: { seq: number; why: string }[]
  started_by: string
  head: string
}

export interface Segment {
  number: number
  first_seq: number
  last_seq: number
  root: string
  prev_root: string
  closed_at: string
  signature: string
  signer_fingerprint: string
  copied_at?: string | null
}

export interface Parked {
  subject: string
  seq: number
  error: string
  since: string
  /** Later rows of the subject that wait behind it. */
  waiting: number
  retrying?: boolean
}

export interface Subscription {
  name: string
  cursor: number
  head: number
  lag: number
  parked: Parked[]
}

export interface RowField extends Titled {
  name: string
  private: boolean
  optional: boolean
}

export interface RowType extends Titled {
  type: string
  fields: RowField[]
}
