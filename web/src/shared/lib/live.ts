import type { QueryClient } from '@tanstack/react-query'
import { meKey } from '@/shared/api/me'
import { Store } from './store'

export type LiveState = 'connecting' | 'live' | 'offline'

export const liveState = new Store<LiveState>('connecting')

interface Change {
  types?: string[] | null
  modules?: string[] | null
}

const firstDelay = 1_000
const quickDelay = 50
const longestDelay = 30_000
const gatherMs = 250

/**
 * Listens to the server's change stream and marks the queries of the changed modules stale: the stream carries
 * no data, so a page never shows more than its own queries may. The server ends each stream after a while, so the
 * first reconnect is immediate and silent; only when that fails are we offline. After a gap everything is asked
 * again, since changes may have been missed. Returns the function that stops it.
 */
export function connectLive(
  client: QueryClient,
  open: (url: string) => EventSource = (url) => new EventSource(url),
): () => void {
  let source: EventSource | null = null
  let delay = firstDelay
  let timer: ReturnType<typeof setTimeout> | undefined
  let gather: ReturnType<typeof setTimeout> | undefined
  let failures = 0
  const changed = new Set<string>()

  const flush = () => {
    gather = undefined
    for (const module of changed) void client.invalidateQueries({ queryKey: [module] })
    if (changed.size > 0) void client.invalidateQueries({ queryKey: ['home'] })
    changed.clear()
  }

  const connect = () => {
    source = open('/api/v1/events')
    source.onopen = () => {
      delay = firstDelay
      liveState.set('live')
      if (failures > 0) void client.invalidateQueries()
      failures = 0
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
      failures++
      if (failures === 1) {
        timer = setTimeout(connect, quickDelay)
        return
      }
      // The stream cannot say why it was refused: if the session has ended, this question finds out.
      if (failures === 2) void client.invalidateQueries({ queryKey: meKey })
      liveState.set('offline')
      timer = setTimeout(connect, delay * (0.75 + Math.random() / 2))
      delay = Math.min(delay * 2, longestDelay)
    }
  }

  liveState.set('connecting')
  connect()
  return () => {
    clearTimeout(timer)
    clearTimeout(gather)
    source?.close()
  }
}
