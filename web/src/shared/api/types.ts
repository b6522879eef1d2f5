/**
 * The shapes of the API under the names the console uses. They come from schema.d.ts, which `npm run gen:api` writes
 * from the server's own description: a change there that a page does not follow fails the type check.
 */
import type { components } from './schema'

type Schemas = components['schemas']

/** A page of a keyset list. The total is exact to 10,000; beyond that `total_capped` is set. */
export interface Page<T> {
  items: T[]
  next_cursor: string
  total: number
  total_capped: boolean
}

/**
 * RFC 9457 problem document. `code` is stable; people read a translation of it. Only the code is certain: problems
 * are also made here, for answers that are none and for a broken line.
 */
export type Problem = Pick<Schemas['Problem'], 'code'> & Partial<Schemas['Problem']>
export type ProblemError = Schemas['Field']

/** A title which the server carries in both languages. */
export type Titled = Pick<Schemas['Missing'], 'title_zh' | 'title_en'>

export type Me = Schemas['Me']
export type Mode = Me['mode']
export type Account = Schemas['AccountView']
export type AccountState = Account['state']
/** A line of a form has no role yet, and a newer server may know more roles: so the role is any text. */
export type Grant = Omit<Schemas['Grant'], 'role'> & { role: string }
export type Invitation = Schemas['InvitationLink']
export type InvitedPerson = Schemas['InvitedPerson']
export type Role = Schemas['RoleView']
export type Permission = Schemas['PermissionView']
export type Session = Schemas['SessionView']
export type ProductionStatus = Schemas['ProductionState']
export type Area = Schemas['Area']
export type System = Schemas['System']

/** Check state (检查状态). UNKNOWN with reason "no_source" is shown apart: neither green nor red. */
export type CheckState = 'OK' | 'WARNING' | 'CRITICAL' | 'UNKNOWN'
