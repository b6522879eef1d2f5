import { describe, expect, it, vi } from 'vitest'
import { mockApi, noContent, problem } from '@/test/api'
import type { ApiError } from './client'
import { Client, isApiError, newKey, url } from './client'

describe('url', () => {
  it('leaves out empty filters and joins several values', () => {
    expect(url('/x', { q: '', a: undefined, s: ['OK', 'WARNING'], n: 5, f: false })).toBe(
      '/api/v1/x?s=OK%2CWARNING&n=5&f=false',
    )
    expect(url('/x', { s: [] })).toBe('/api/v1/x')
  })
})

describe('Client', () => {
  it('turns a problem document into an error with its code and request id', async () => {
    mockApi({ 'GET /x': problem(409, 'stale', { detail: 'version 3' }) })
    const error = await new Client().get('/x').catch((e: unknown) => e)
    expect(isApiError(error, 'stale')).toBe(true)
    expect((error as ApiError).status).toBe(409)
    expect((error as ApiError).requestId).toBe('req-1')
  })

  it('names an answer that is no problem document by its status', async () => {
    mockApi({ 'GET /x': new Response('<html>bad gateway</html>', { status: 502, headers: { 'X-Request-Id': 'r9' } }) })
    const error = (await new Client().get('/x').catch((e: unknown) => e)) as ApiError
    expect(error.code).toBe('unreachable')
    expect(error.requestId).toBe('r9')
  })

  it('calls a broken line "network"', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')))
    const error = (await new Client().get('/x').catch((e: unknown) => e)) as ApiError
    expect(error.code).toBe('network')
    expect(error.status).toBe(0)
  })

  it('lets an abort through as it is', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new DOMException('aborted', 'AbortError')))
    await expect(new Client().get('/x')).rejects.toBeInstanceOf(DOMException)
  })

  it('sends the idempotency key and gives undefined for 204', async () => {
    const api = mockApi({ 'POST /x': noContent() })
    expect(await new Client().post('/x', { a: 1 }, { idempotencyKey: 'k' })).toBeUndefined()
    expect(api.calls[0]!.headers['Idempotency-Key']).toBe('k')
    expect(api.calls[0]!.body).toEqual({ a: 1 })
  })

  it('asks once for a fresh sign-in and repeats every refused call', async () => {
    let fresh = false
    const api = mockApi({
      'POST /a': () => (fresh ? { done: 'a' } : problem(403, 'fresh_sign_in_required')),
      'POST /b': () => (fresh ? { done: 'b' } : problem(403, 'fresh_sign_in_required')),
    })
    const client = new Client()
    const ask = vi.fn(async () => (fresh = true))
    client.setHooks({ onFreshSignInRequired: ask })
    expect(await Promise.all([client.post('/a'), client.post('/b')])).toEqual([{ done: 'a' }, { done: 'b' }])
    expect(ask).toHaveBeenCalledTimes(1)
    expect(api.calls).toHaveLength(4)
  })

  it('gives the refusal on when the person declines', async () => {
    mockApi({ 'POST /a': problem(403, 'fresh_sign_in_required') })
    const client = new Client()
    client.setHooks({ onFreshSignInRequired: () => Promise.resolve(false) })
    await expect(client.post('/a')).rejects.toMatchObject({ status: 403 })
  })

  it('reports a lost session, but not wrong credentials', async () => {
    mockApi({ 'GET /x': problem(401, 'session_idle'), 'POST /y': problem(401, 'bad_credentials') })
    const client = new Client()
    const ended = vi.fn()
    client.setHooks({ onSessionEnded: ended })
    await client.get('/x').catch(() => undefined)
    await client.post('/y').catch(() => undefined)
    expect(ended.mock.calls).toEqual([['session_idle']])
  })
})

it('newKey makes version 4 UUIDs', () => {
  expect(newKey()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(newKey()).not.toBe(newKey())
})
