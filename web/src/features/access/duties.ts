import type { Grant, Role } from '@/shared/api/types'

/**
 * Separation of duties (三员分立): pairs of chosen roles that exclude each other. The server refuses them in
 * production and allows them on trial.
 */
export function conflicts(grants: readonly Pick<Grant, 'role'>[], roles: readonly Role[]): [string, string][] {
  const chosen = Array.from(new Set(grants.map((grant) => grant.role).filter(Boolean)))
  const pairs: [string, string][] = []
  for (const [i, first] of chosen.entries()) {
    for (const second of chosen.slice(i + 1)) if (excludes(first, second, roles)) pairs.push([first, second])
  }
  return pairs
}

export function excludes(a: string, b: string, roles: readonly Role[]): boolean {
  const says = (x: string, y: string) => roles.find((role) => role.role === x)?.excludes.includes(y) ?? false
  return a !== b && (says(a, b) || says(b, a))
}
