import { api } from '@/shared/api/client'
import { fetchLogins, reachModule, type Login } from '@/shared/api/reach'
import type { components } from '@/shared/api/schema'

export { fetchLogins, reachModule as module, type Login }

export type Tried = components['schemas']['LoginTriedView']

export const keys = { logins: [reachModule, 'logins'] as const }

const login = (id: string, action = '') => `/inspect/logins/${encodeURIComponent(id)}${action}`

/** What a form sends; what it leaves out stays as it is. */
export interface LoginValues {
  host: string
  port: number
  account: string
  jump_id: string
  note: string
  password?: string
  key?: string
  passphrase?: string
}

export const createLogin = (
  body: LoginValues & { name: string; area_path: string; system_id: string },
  idempotencyKey: string,
) => api.post<Login>('/inspect/logins', body, { idempotencyKey })
export const changeLogin = (id: string, body: LoginValues & { version: number }) => api.patch<Login>(login(id), body)
export const removeLogin = (l: Login, reason: string) =>
  api.post<void>(login(l.id, '/remove'), { reason, version: l.version })
export const tryLogin = (id: string) => api.post<Tried>(login(id, '/try'), {})
export const acceptKey = (l: Pick<Login, 'id' | 'version'>, fingerprint: string) =>
  api.post<Login>(login(l.id, '/accept'), { fingerprint, version: l.version })
export const addChecks = (id: string, assetID: string) =>
  api.post<{ added: number }>(login(id, '/checks'), { asset_id: assetID })
