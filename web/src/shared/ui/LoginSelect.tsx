import { useQuery } from '@tanstack/react-query'
import { Select } from 'antd'
import { loginChoicesQuery } from '@/shared/api/reach'

interface Props {
  id?: string
  value?: string
  onChange?: (value: string | undefined) => void
  label: string
  /** What stands for a login: its name, as checks call it, or its id. */
  by: 'name' | 'id'
  /** The login that cannot be chosen. */
  except?: string
}

/** Picks a way into a host. */
export function LoginSelect({ id, value, onChange, label, by, except }: Props) {
  const logins = useQuery(loginChoicesQuery).data ?? []
  return (
    <Select<string>
      id={id}
      allowClear
      showSearch={{ optionFilterProp: 'label' }}
      style={{ width: '100%' }}
      placeholder={label}
      aria-label={label}
      value={value || undefined}
      onChange={(next: string | undefined) => onChange?.(next)}
      options={logins
        .filter((login) => login.id !== except)
        .map((login) => ({ value: login[by], label: login.name, hint: `${login.account}@${login.host}` }))}
      optionRender={(option) => (
        <span>
          {option.label} <span className="meta mono">{(option.data as { hint: string }).hint}</span>
        </span>
      )}
    />
  )
}
