import type { QueryClient } from '@tanstack/react-query'
import { Store } from './store'

export type LiveState = 'connecting' | 'live' | 'offline'

export const liveState = new Store<LiveState>('connecting')

interface Change {
  types?: string[] | null
  modules?: string[] | null
}

const firstDelay = 1_000
const longestDelay = 30_000
const gatherMs = 250

/**
 * Listens to the server's change stream and marks the queries of the changed modules stale: the stream carries
 * no data, so a page never shows more than its own queries may. After a gap everything is asked again, since
 * changes may have been missed. Returns the function that stops it.
 */
export function connectLive(
  client: QueryClient,
  open: (url: string) => EventSource = (url) => new EventSource(url),
): () => void {
  let source: EventSource | null = null
  let delay = firstDelay
  let timer: ReturnType<typeof setTimeout> | undefined
  let gather: ReturnType<typeof setTimeout> | undefined
  let missed = false
  const changed = new Set<string>()

  const flush = () => {
    gather = undefined
    for (const module of changed) void client.invalidateQueries({ queryKey: [module] })
    if (changed.size > 0) void client.invalidateQueries({ queryKey: ['home'] })
    changed.clear()
  }

  const connect = () => {
    liveState.set('connecting')
    source = open('/api/v1/events')
    source.onopen = () => {
      delay = firstDelay
      liveState.set('live')
      if (missed) void client.invalidateQueries()
      missed = false
    }
    source.addEventListener('change', (event) => {
      let change: Change
      try {
        change = JSON.parse((event as MessageEvent<string>).data) as Change
      } catch {
        return
      }
      for (const module of change.modules ?? []) changed.add(module)
      gather ??= setTimeout(flush, gatherMs)
    })
    source.onerror = () => {
      source?.close()
      missed = true
      liveState.set('offline')
      timer = setTimeout(connect, delay * (0.75 + Math.random() / 2))
      delay = Math.min(delay * 2, longestDelay)
    }
  }

  connect()
  return () => {
    clearTimeout(timer)
    clearTimeout(gather)
    source?.close()
  }
}
