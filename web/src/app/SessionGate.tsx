import { useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useEffect, useState } from 'react'
import { api } from '@/shared/api/client'
import { meKey } from '@/shared/api/me'
import type { Me } from '@/shared/api/types'
import { Store, useStore } from '@/shared/lib/store'

const FreshSignInModal = lazy(() => import('./FreshSignInModal'))
const LockScreen = lazy(() => import('./LockScreen'))

export type Lock = { code: string } | null
export const lock = new Store<Lock>(null)

type Question = { answer: (fresh: boolean) => void } | null
const question = new Store<Question>(null)

/**
 * Stands beside the pages and steps in when the server wants a person: a lost session covers the page without
 * throwing away what is on it, and a protected act asks for the password and then goes on by itself.
 */
export function SessionGate() {
  const client = useQueryClient()
  const locked = useStore(lock)
  const asked = useStore(question)
  const [wasAsked, setWasAsked] = useState(false)
  if (asked && !wasAsked) setWasAsked(true)

  useEffect(() => {
    api.setHooks({
      onSessionEnded: (code) => {
        if (client.getQueryData<Me>(meKey) && !lock.get()) lock.set({ code })
      },
      onFreshSignInRequired: () =>
        new Promise<boolean>((resolve) => {
          question.set({
            answer: (fresh) => {
              question.set(null)
              resolve(fresh)
            },
          })
        }),
    })
    return () => api.setHooks({})
  }, [client])

  return (
    <Suspense>
      {wasAsked && <FreshSignInModal open={asked !== null && !locked} onAnswer={(fresh) => asked?.answer(fresh)} />}
      {locked && <LockScreen code={locked.code} onUnlocked={() => lock.set(null)} />}
    </Suspense>
  )
}
