import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { meKey } from '@/shared/api/me'
import { signOut } from '@/shared/api/session'
import { lock } from './SessionGate'

const activityKey = 'taxops.activity'

/**
 * Locks after the installation's time without a key or a pointer. The server's session is ended too: live updates
 * ask the server again and again, so to the server an abandoned desk looks busy. Activity in any tab counts, and is
 * passed on to the server when the page itself asked nothing.
 */
export function useIdleLock(seconds: number | undefined): void {
  const client = useQueryClient()
  useEffect(() => {
    if (!seconds) return
    const limit = seconds * 1000
    let last = Date.now()
    let told = last
    const stored = () => {
      try {
        return Number(localStorage.getItem(activityKey)) || 0
      } catch {
        return 0
      }
    }
    const onActivity = () => {
      const now = Date.now()
      if (now - last < 1000) return
      last = now
      try {
        localStorage.setItem(activityKey, String(now))
      } catch {
        // Without storage each tab counts for itself.
      }
    }
    const timer = setInterval(
      () => {
        if (lock.get()) return
        const active = Math.max(last, stored())
        if (Date.now() - active >= limit) {
          lock.set({ code: 'session_idle' })
          signOut().catch(() => undefined)
        } else if (active > told + limit / 4) {
          told = Date.now()
          void client.invalidateQueries({ queryKey: meKey })
        }
      },
      Math.min(15_000, limit / 4),
    )
    const events = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart']
    for (const event of events) window.addEventListener(event, onActivity, { passive: true })
    return () => {
      clearInterval(timer)
      for (const event of events) window.removeEventListener(event, onActivity)
    }
  }, [client, seconds])
}
