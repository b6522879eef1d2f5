import { useQuery, useQueryClient } from '@tanstack/react-query'

/**
 * Which page of a keyset list is shown. A cursor leads forward only, so the cursors passed are kept: in the query
 * cache under the list's own filters, which makes "back from the detail page" land on the same page, and a
 * changed filter begin at the first.
 */
export function usePagePosition(listKey: readonly unknown[]) {
  const client = useQueryClient()
  const key = ['page-position', ...listKey]
  const { data: passed } = useQuery<string[]>({
    queryKey: key,
    queryFn: () => [],
    staleTime: Infinity,
    initialData: [],
  })
  return {
    index: passed.length,
    cursor: passed[passed.length - 1],
    forward: (cursor: string) => client.setQueryData<string[]>(key, [...passed, cursor]),
    back: () => client.setQueryData<string[]>(key, passed.slice(0, -1)),
  }
}
