import type { ReactNode } from 'react'
import { useMe } from '@/shared/api/me'

/** Whether the signed-in person may. It only hides what would be refused: the server decides. */
export function usePerm(): (permission: string | undefined) => boolean {
  const me = useMe()
  return (permission) => permission === undefined || (me?.permissions.includes(permission) ?? false)
}

export function Can({
  perm,
  children,
  fallback = null,
}: {
  perm: string
  children: ReactNode
  fallback?: ReactNode
}): ReactNode {
  return usePerm()(perm) ? children : fallback
}
