/** Where to go after signing in: a path of this site only, so that a crafted link cannot lead elsewhere. */
export function safeNext(next: string | undefined): string {
  if (!next || !next.startsWith('/') || next.startsWith('//') || next.includes('\\')) return '/'
  return /^\/(sign-in|setup|invite)\b/.test(next) ? '/' : next
}
