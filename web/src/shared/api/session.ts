import { queryOptions } from '@tanstack/react-query'
import { api } from './client'
import type { Me } from './types'

export interface Credentials {
  login: string
  password: string
  totp?: string
}

export const signIn = (credentials: Credentials) => api.post<Me>('/access/sign-in', credentials)
export const signOut = () => api.post<void>('/access/sign-out')
export const reauthenticate = (body: { password: string; totp?: string }) =>
  api.post<void>('/access/reauthenticate', body)

export const setupQuery = queryOptions({
  queryKey: ['access', 'setup'],
  queryFn: ({ signal }) => api.get<{ needed: boolean }>('/access/setup', { signal }),
  staleTime: 0,
  retry: false,
})
