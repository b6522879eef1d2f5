import type { Problem, ProblemError } from './types'

/** Every failed call ends as this one error. Pages translate `code`; `requestId` is what a person quotes. */
export class ApiError extends Error {
  readonly problem: Problem
  readonly status: number
  /** Seconds after which trying again makes sense; 0 when the server did not say. */
  readonly retryAfter: number

  constructor(problem: Problem, status: number, retryAfter = 0) {
    super(problem.detail || problem.title || problem.code)
    this.name = 'ApiError'
    this.problem = problem
    this.status = status
    this.retryAfter = retryAfter
  }

  get code(): string {
    return this.problem.code
  }

  get requestId(): string {
    return this.problem.request_id ?? ''
  }

  get fieldErrors(): ProblemError[] {
    return this.problem.errors ?? []
  }
}

export function isApiError(error: unknown, code?: string): error is ApiError {
  return error instanceof ApiError && (code === undefined || error.code === code)
}

type QueryValue = string | number | boolean | undefined | null | readonly string[]
export type Query = Record<string, QueryValue>

export interface CallOptions {
  query?: Query
  signal?: AbortSignal
  /** Set on creates, so that a repeated press or a lost answer makes one thing only. */
  idempotencyKey?: string
}

/** What the shell does when the server asks for a person; set once by the app. */
export interface SessionHooks {
  /** The session is gone: `session_idle` after inactivity, `unauthenticated` otherwise. */
  onSessionEnded?: (code: string) => void
  /** Ask for the password again; resolves true when the session is fresh. */
  onFreshSignInRequired?: () => Promise<boolean>
}

const base = '/api/v1'

export function url(path: string, query?: Query): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query ?? {})) {
    if (value === undefined || value === null || value === '') continue
    const text = Array.isArray(value) ? value.join(',') : String(value)
    if (text !== '') search.set(key, text)
  }
  const tail = search.toString()
  return base + path + (tail ? `?${tail}` : '')
}

/** A version 4 UUID; `crypto.randomUUID` needs Chromium 92 and a secure context. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

export class Client {
  private hooks: SessionHooks = {}
  private asking: Promise<boolean> | null = null

  setHooks(hooks: SessionHooks): void {
    this.hooks = hooks
  }

  get<T>(path: string, options?: CallOptions): Promise<T> {
    return this.call<T>('GET', path, undefined, options)
  }

  post<T>(path: string, body?: unknown, options?: CallOptions): Promise<T> {
    return this.call<T>('POST', path, body, options)
  }

  patch<T>(path: string, body: unknown, options?: CallOptions): Promise<T> {
    return this.call<T>('PATCH', path, body, options)
  }

  delete<T>(path: string, options?: CallOptions): Promise<T> {
    return this.call<T>('DELETE', path, undefined, options)
  }

  /** A file as a whole: one that broke off on the way fails, and is not handed out by half. */
  async download(path: string, options?: CallOptions): Promise<Blob> {
    const read = async () => {
      const response = await this.send('GET', path, undefined, options ?? {})
      try {
        return await response.blob()
      } catch (error) {
        throw lost(error)
      }
    }
    return this.withSession(read)
  }

  private call<T>(method: string, path: string, body: unknown, options: CallOptions = {}): Promise<T> {
    return this.withSession(() => this.once<T>(method, path, body, options))
  }

  private async withSession<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (error.code === 'fresh_sign_in_required' && (await this.freshSignIn())) return ask()
      if (error.code === 'unauthenticated' || error.code === 'session_idle') {
        this.hooks.onSessionEnded?.(error.code)
      }
      throw error
    }
  }

  /** Several calls that need a fresh sign-in at once share one question. */
  private freshSignIn(): Promise<boolean> {
    if (!this.hooks.onFreshSignInRequired) return Promise.resolve(false)
    this.asking ??= this.hooks.onFreshSignInRequired().finally(() => {
      this.asking = null
    })
    return this.asking
  }

  private async once<T>(method: string, path: string, body: unknown, options: CallOptions): Promise<T> {
    const response = await this.send(method, path, body, options)
    if (response.status === 204 || response.headers.get('Content-Length') === '0') return undefined as T
    return (await response.json()) as T
  }

  private async send(method: string, path: string, body: unknown, options: CallOptions): Promise<Response> {
    const headers: Record<string, string> = { Accept: 'application/json, application/problem+json' }
    const file = body instanceof Blob
    if (body !== undefined) headers['Content-Type'] = file ? 'application/octet-stream' : 'application/json'
    if (options.idempotencyKey) headers['Idempotency-Key'] = options.idempotencyKey

    let response: Response
    try {
      response = await fetch(url(path, options.query), {
        method,
        headers,
        body: body === undefined ? undefined : file ? body : JSON.stringify(body),
        signal: options.signal,
        credentials: 'same-origin',
      })
    } catch (error) {
      throw lost(error)
    }
    if (!response.ok) {
      const retryAfter = Number(response.headers.get('Retry-After')) || 0
      throw new ApiError(await problemOf(response), response.status, retryAfter)
    }
    return response
  }
}

/** What a call fails with that got no whole answer; that it was given up stays as it is. */
function lost(error: unknown): unknown {
  if (error instanceof DOMException && error.name === 'AbortError') return error
  return new ApiError({ code: 'network', detail: error instanceof Error ? error.message : '' }, 0)
}

async function problemOf(response: Response): Promise<Problem> {
  const requestId = response.headers.get('X-Request-Id') ?? undefined
  try {
    const parsed: unknown = await response.json()
    if (parsed && typeof parsed === 'object' && 'code' in parsed && typeof parsed.code === 'string') {
      return { request_id: requestId, ...(parsed as Problem) }
    }
  } catch {
    // A proxy or a crash answers with something other than a problem document: the status must do.
  }
  return { code: codeOfStatus(response.status), status: response.status, request_id: requestId }
}

function codeOfStatus(status: number): string {
  switch (status) {
    case 400:
    case 422:
      return 'invalid'
    case 401:
      return 'unauthenticated'
    case 403:
      return 'forbidden'
    case 404:
      return 'not_found'
    case 409:
      return 'conflict'
    case 413:
      return 'too_large'
    case 429:
      return 'rate_limited'
    case 502:
    case 503:
    case 504:
      return 'unreachable'
    default:
      return 'internal'
  }
}

export const api = new Client()
