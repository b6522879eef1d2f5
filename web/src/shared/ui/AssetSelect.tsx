import { useQuery } from '@tanstack/react-query'
import { Select } from 'antd'
import { useEffect, useState } from 'react'
import { assetChoicesQuery, assetQuery } from '@/shared/api/fleet'

interface Props {
  id?: string
  value?: string
  onChange?: (id: string | undefined) => void
  label: string
  allowClear?: boolean
  width?: number | string
}

/** Picks an asset by its name, host name or number. */
export function AssetSelect({ id, value, onChange, label, allowClear, width }: Props) {
  const [text, setText] = useState('')
  const [wanted, setWanted] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => setWanted(text.trim()), 250)
    return () => clearTimeout(timer)
  }, [text])
  const found = useQuery(assetChoicesQuery(wanted)).data ?? []
  const missing = value !== undefined && !found.some((a) => a.id === value)
  const chosen = useQuery({ ...assetQuery(value ?? ''), enabled: missing }).data
  const assets = missing && chosen ? [chosen, ...found] : found
  return (
    <Select<string>
      id={id}
      showSearch={{ onSearch: setText, filterOption: false }}
      allowClear={allowClear}
      popupMatchSelectWidth={false}
      style={{ width: width ?? 140 }}
      placeholder={label}
      aria-label={label}
      value={value}
      onChange={(next: string | undefined) => onChange?.(next)}
      options={assets.map((a) => ({ value: a.id, label: a.name, hint: a.number }))}
      optionRender={(option) => (
        <span>
          {option.label} <span className="meta mono">{(option.data as { hint: string }).hint}</span>
        </span>
      )}
    />
  )
}
