import { queryOptions } from '@tanstack/react-query'
import { api, type Query } from '@/shared/api/client'
import { inspectModule, type Check, type CheckClass } from '@/shared/api/inspect'
import type { Page } from '@/shared/api/types'
import type { SearchHit } from '@/shared/feature'
import type { Judgement, Manifest, Plugin, Rules, Script, ScriptDetail, Tried, Version, VersionDetail } from './types'

export const module = 'script'
export const keys = { scripts: [module, 'packages'] as const }

const script = (id: string, action = '') => `/inspect/scripts/${encodeURIComponent(id)}${action}`
const version = (id: string, action = '') => `/inspect/script-versions/${encodeURIComponent(id)}${action}`

export const fetchScripts = (query: Query, signal: AbortSignal) =>
  api.get<Page<Script>>('/inspect/scripts', { query, signal })

export const scriptQuery = (id: string) =>
  queryOptions({
    queryKey: [module, 'package', id],
    queryFn: async ({ signal }) => {
      const found = await api.get<ScriptDetail>(script(id), { signal })
      return { ...found, versions: found.versions ?? [] }
    },
  })

export const versionQuery = (id: string) =>
  queryOptions({
    queryKey: [module, 'version', id],
    queryFn: ({ signal }) => api.get<VersionDetail>(version(id), { signal }),
  })

export const pluginsQuery = queryOptions({
  queryKey: [module, 'plugins'],
  queryFn: async ({ signal }) => (await api.get<{ items: Plugin[] }>('/inspect/plugins', { signal })).items ?? [],
  staleTime: 60_000,
})

/** The body is base64. */
export interface Content {
  manifest: Manifest
  body: string
  note?: string
}

export const createScript = (
  body: Content & { name: string; title: string; class: CheckClass },
  idempotencyKey: string,
) => api.post<Script>('/inspect/scripts', body, { idempotencyKey })
export const createDraft = (id: string, body: Content, idempotencyKey: string) =>
  api.post<VersionDetail>(script(id, '/versions'), body, { idempotencyKey })
export const changeDraft = (id: string, body: Content & { version: number }) =>
  api.patch<VersionDetail>(version(id), body)
export const releaseVersion = (v: Pick<Version, 'id' | 'version'>) =>
  api.post<VersionDetail>(version(v.id, '/release'), { version: v.version })
export const retireVersion = (v: Pick<Version, 'id' | 'version'>, reason: string) =>
  api.post<VersionDetail>(version(v.id, '/retire'), { reason, version: v.version })

export const tryScript = (body: { manifest: Manifest; body: string; args: string[] }) =>
  api.post<Tried>('/inspect/scripts/try', body)
export const judgeOutput = (body: { rules: Rules; text: string; exit: number }) =>
  api.post<Judgement>('/inspect/scripts/judge', body)

export const createCheck = (
  body: { asset_id: string; kind: string; params: Record<string, unknown> },
  idempotencyKey: string,
) => api.post<Check>('/inspect/checks', body, { idempotencyKey })

/** Queries of checks begin with this: a new check changes them. */
export { inspectModule }

export async function searchScripts(text: string, signal: AbortSignal): Promise<SearchHit[]> {
  const page = await fetchScripts({ q: text, limit: 5 }, signal)
  return (page.items ?? []).map((s) => ({ id: s.id, text: s.title, hint: s.name, to: `/inspect/scripts/${s.id}` }))
}
