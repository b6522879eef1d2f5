import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback } from 'react'

export type Search<K extends string> = Partial<Record<K, string>>

/** Filters live in the address, so that a list can be reloaded, shared and gone back to. */
export function searchOf<K extends string>(...keys: K[]) {
  return (raw: Record<string, unknown>): Search<K> => {
    const search: Search<K> = {}
    for (const key of keys) {
      const value = raw[key]
      if (typeof value === 'string' && value !== '') search[key] = value
    }
    return search
  }
}

/** The current filters and a function that changes some of them; undefined or "" removes one. */
export function useFilters<K extends string>(): [Search<K>, (patch: Search<K>) => void] {
  const search = useSearch({ strict: false } as never) as Search<K>
  const navigate = useNavigate()
  const change = useCallback(
    (patch: Search<K>) => {
      void navigate({
        to: '.',
        replace: true,
        search: ((old: Record<string, string | undefined>) => {
          const next: Record<string, string | undefined> = { ...old, ...patch }
          for (const key of Object.keys(next)) if (!next[key]) delete next[key]
          return next
        }) as never,
      })
    },
    [navigate],
  )
  return [search, change]
}
