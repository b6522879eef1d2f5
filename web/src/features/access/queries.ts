import { queryOptions } from '@tanstack/react-query'
import { api, type Query } from '@/shared/api/client'
import type {
  Account,
  Grant,
  Invitation,
  Me,
  Page,
  Permission,
  ProductionStatus,
  Role,
  Session,
} from '@/shared/api/types'
import type { SearchHit } from '@/shared/feature'

export const module = 'access'

const account = (id: string, action = '') => `/access/accounts/${encodeURIComponent(id)}${action}`

export const keys = {
  accounts: [module, 'accounts'] as const,
  account: (id: string) => [module, 'account', id] as const,
}

export const fetchAccounts = (query: Query, signal: AbortSignal) =>
  api.get<Page<Account>>('/access/accounts', { query, signal })

export const accountQuery = (id: string) =>
  queryOptions({ queryKey: keys.account(id), queryFn: ({ signal }) => api.get<Account>(account(id), { signal }) })

export const rolesQuery = queryOptions({
  queryKey: [module, 'roles'],
  queryFn: async ({ signal }) => (await api.get<{ items: Role[] }>('/access/roles', { signal })).items ?? [],
  staleTime: 10 * 60_000,
})

export const permissionsQuery = queryOptions({
  queryKey: [module, 'permissions'],
  queryFn: async ({ signal }) =>
    (await api.get<{ items: Permission[] }>('/access/permissions', { signal })).items ?? [],
  staleTime: 10 * 60_000,
})

export const productionQuery = queryOptions({
  queryKey: [module, 'production'],
  queryFn: ({ signal }) => api.get<ProductionStatus>('/access/production', { signal }),
})

export const sessionsQuery = queryOptions({
  queryKey: [module, 'sessions'],
  queryFn: async ({ signal }) => (await api.get<{ items: Session[] }>('/me/sessions', { signal })).items ?? [],
})

export const invitationQuery = (token: string) =>
  queryOptions({
    queryKey: [module, 'invitation', token],
    queryFn: ({ signal }) =>
      api.post<{ login: string; display_name: string; expires_at: string }>(
        '/access/invitation',
        { token },
        { signal },
      ),
    retry: false,
    staleTime: Infinity,
  })

export interface NewAccount {
  login: string
  display_name: string
  grants: Grant[]
}

export const setUp = (body: { token: string; login: string; display_name: string; password: string }) =>
  api.post<Me>('/access/setup', body)
export const acceptInvitation = (body: { token: string; password: string }) =>
  api.post<Me>('/access/invitation/accept', body)

export const createAccount = (body: NewAccount, idempotencyKey: string) =>
  api.post<Invitation & { account: Account }>('/access/accounts', body, { idempotencyKey })
export const changeAccount = (id: string, body: { display_name?: string; grants?: Grant[]; version: number }) =>
  api.patch<Account>(account(id), body)
export const inviteAgain = (id: string) => api.post<Invitation>(account(id, '/invite'))

export type AccountAct = 'disable' | 'enable' | 'remove' | 'erase'
export const actOnAccount = (id: string, act: AccountAct, reason: string) =>
  api.post<Account | undefined>(account(id, `/${act}`), { reason })

/** A second administrator says that the credentials are in the hands of the person. */
export const confirmAccount = (id: string, reason: string, version: number) =>
  api.post<Account>(account(id, '/confirm'), { reason, version })

export const declareProduction = (reason: string) =>
  api.post<{ mode: string }>('/access/production/declare', { reason })

export const changePassword = (body: { current: string; next: string }) => api.post<void>('/me/password', body)
export const beginTotp = () => api.post<{ secret: string; uri: string }>('/me/totp/begin')
export const confirmTotp = (code: string) => api.post<{ recovery_codes: string[] }>('/me/totp/confirm', { code })
export const disableTotp = (password: string) => api.post<void>('/me/totp/disable', { password })
export const endSession = (id: string) => api.delete<void>(`/me/sessions/${encodeURIComponent(id)}`)

/** For the command palette. */
export async function searchAccounts(text: string, signal: AbortSignal): Promise<SearchHit[]> {
  const page = await fetchAccounts({ q: text, limit: 5 }, signal)
  return (page.items ?? []).map((found) => ({
    id: found.id,
    text: found.display_name || found.login,
    hint: found.login,
    to: `/access/accounts?open=${encodeURIComponent(found.id)}`,
  }))
}
