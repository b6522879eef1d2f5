import { useMutation, useQueryClient } from '@tanstack/react-query'
import { App } from 'antd'
import { useShowError } from './errors'

interface Options<R> {
  /** First part of the query keys that the action changes. */
  module: string
  /** Said when it worked. */
  success?: string
  onDone?: (result: R) => void
  /** Forms show the failure at the field instead. */
  quiet?: boolean
}

/** One change on the server: asks again for what it touched, and says how it went. */
export function useAction<V, R>(act: (value: V) => Promise<R>, { module, success, onDone, quiet }: Options<R>) {
  const client = useQueryClient()
  const { message } = App.useApp()
  const showError = useShowError()
  return useMutation<R, Error, V>({
    mutationFn: act,
    onSuccess: async (result) => {
      if (success) void message.success(success)
      onDone?.(result)
      await client.invalidateQueries({ queryKey: [module] })
    },
    onError: (error) => {
      if (!quiet) showError(error)
    },
  })
}
