import { fireEvent } from '@testing-library/react'
import { vi } from 'vitest'
import type { Me, Page, Problem } from '@/shared/api/types'

export interface Call {
  method: string
  path: string
  query: Record<string, string>
  body: unknown
  headers: Record<string, string>
}

type Answer = Response | object | undefined
type Handler = Answer | ((call: Call) => Answer | Promise<Answer>)

export function problem(
  status: number,
  code: string,
  more: Partial<Problem> = {},
  headers: Record<string, string> = {},
): Response {
  return new Response(JSON.stringify({ code, status, title: code, request_id: 'req-1', ...more }), {
    status,
    headers: { 'Content-Type': 'application/problem+json', ...headers },
  })
}

export const noContent = () => new Response(null, { status: 204 })

export function pageOf<T>(items: T[], more: Partial<Page<T>> = {}): Page<T> {
  return { items, next_cursor: '', total: items.length, total_capped: false, ...more }
}

/** Answers fetch by "METHOD /path"; the calls made are kept. A path that nobody expects fails the test. */
export function mockApi(handlers: Record<string, Handler>) {
  const calls: Call[] = []
  const fetchMock = vi.fn(async (input: RequestInfo | URL, init: RequestInit = {}) => {
    const url = new URL(String(input), 'http://localhost')
    const call: Call = {
      method: init.method ?? 'GET',
      path: url.pathname.replace('/api/v1', ''),
      query: Object.fromEntries(url.searchParams),
      body: typeof init.body === 'string' ? (JSON.parse(init.body) as unknown) : undefined,
      headers: (init.headers ?? {}) as Record<string, string>,
    }
    calls.push(call)
    const handler = handlers[`${call.method} ${call.path}`]
    const answer = typeof handler === 'function' ? await handler(call) : handler
    if (answer === undefined) throw new Error(`nobody answers ${call.method} ${call.path}`)
    return answer instanceof Response ? answer.clone() : new Response(JSON.stringify(answer), { status: 200 })
  })
  vi.stubGlobal('fetch', fetchMock)
  return { calls, handlers, to: (key: string) => calls.filter((call) => `${call.method} ${call.path}` === key) }
}

export const me: Me = {
  account: { id: 'a-1', login: 'chenli', display_name: '陈立', totp_enabled: false },
  roles: [{ role: 'system_admin', area_path: '/45/', system_id: '' }],
  permissions: [
    'access.account.read',
    'access.account.manage',
    'access.role.grant',
    'access.production.declare',
    'access.erase',
    'journal.read',
  ],
  mode: 'trial',
  session: {
    id: 's-1',
    fresh_until: '2026-01-01T00:00:00Z',
    idle_timeout_seconds: 1800,
    expires_at: '2026-03-01T00:00:00Z',
  },
  server_time: new Date().toISOString(),
  version: '0.1.0',
  installation: { name: '区局', fingerprint: 'AA:BB', area_path: '/45/' },
}

/** Puts text into a field at once: what typing key by key would end with, without a render for each key. */
export function fill(field: HTMLElement, text: string): void {
  fireEvent.change(field, { target: { value: text } })
}
