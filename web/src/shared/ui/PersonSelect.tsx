import { useQuery } from '@tanstack/react-query'
import { Select } from 'antd'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api } from '@/shared/api/client'
import { useMe } from '@/shared/api/me'
import type { Account, Page } from '@/shared/api/types'
import { usePerm } from '@/shared/lib/perm'

interface Props {
  value?: string
  onChange?: (id: string | undefined) => void
  placeholder?: string
  label: string
  allowClear?: boolean
  width?: number | string
  /** A name already known for the value, so that it shows before the accounts are loaded. */
  known?: { id: string; display_name: string } | null
  id?: string
  autoFocus?: boolean
}

/** Picks a person among the active accounts. Somebody who may not see accounts can still pick themselves. */
export function PersonSelect(props: Props) {
  const { value, onChange, placeholder, label, allowClear = true, width, known, id, autoFocus } = props
  const { t } = useTranslation('parts')
  const me = useMe()
  const may = usePerm()('access.account.read')
  const [text, setText] = useState('')
  const wanted = usePaused(text.trim())
  const query = useQuery({
    queryKey: ['access', 'accounts', 'pick', wanted],
    enabled: may,
    queryFn: async ({ signal }) =>
      (
        await api.get<Page<Account>>('/access/accounts', {
          query: { state: 'active', q: wanted || undefined, limit: 50 },
          signal,
        })
      ).items ?? [],
    staleTime: 60_000,
    placeholderData: (old) => old,
  })
  const people = (query.data ?? []).map((a) => ({ value: a.id, label: a.display_name || a.login, hint: a.login }))
  const own = me && {
    value: me.account.id,
    label: `${me.account.display_name}${t('person.me')}`,
    hint: me.account.login,
  }
  const options = [...(own ? [own] : []), ...people.filter((p) => p.value !== own?.value)]
  if (known && !options.some((o) => o.value === known.id)) {
    options.push({ value: known.id, label: known.display_name, hint: '' })
  }
  return (
    <Select<string>
      id={id}
      autoFocus={autoFocus}
      showSearch={{
        onSearch: setText,
        filterOption: (input, option) =>
          `${option?.label as string} ${(option as { hint?: string } | undefined)?.hint ?? ''}`
            .toLowerCase()
            .includes(input.toLowerCase()),
      }}
      allowClear={allowClear}
      popupMatchSelectWidth={false}
      style={{ width: width ?? 130 }}
      placeholder={placeholder ?? label}
      aria-label={label}
      options={options}
      value={value}
      onChange={(next: string | undefined) => onChange?.(next)}
      optionRender={(option) => (
        <span>
          {option.label} <span className="meta mono">{(option.data as { hint: string }).hint}</span>
        </span>
      )}
    />
  )
}

function usePaused(value: string): string {
  const [paused, setPaused] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setPaused(value), 250)
    return () => clearTimeout(timer)
  }, [value])
  return paused
}
