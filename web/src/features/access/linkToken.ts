import { useLocation } from '@tanstack/react-router'

/**
 * The token of a set-up or invitation link, read from the fragment of the address: a browser sends it to no server,
 * so it stands in no log and no Referer. Once used, the page leaves and replaces its place in the history.
 */
export function useLinkToken(): string | undefined {
  return useLocation({ select: ({ hash }) => new URLSearchParams(hash).get('token') ?? undefined })
}
