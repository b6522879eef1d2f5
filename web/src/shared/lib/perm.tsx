import type { ReactNode } from 'react'
import { useMe } from '@/shared/api/me'

/** Whether the signed-in person may. It only hides what would be refused: the server decides. */
export function usePerm(): (permission: string | undefined) => boolean {
  const me = useMe()
  return (permission) => permission === undefined || (me?.permissions.includes(permission) ?? false)
}

/** Whether the signed-in person has a role for the whole installation. It, too, only hides what would be refused. */
export function useWhole(): boolean {
  const me = useMe()
  return me?.roles.some((role) => !role.system_id && me.installation.area_path.startsWith(role.area_path)) ?? false
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
