import { Select } from 'antd'
import { useFilter } from './DataTable'

interface Props {
  name: string
  label: string
  options: { value: string; label: string }[]
  multiple?: boolean
  width?: number
}

/** A drop-down bound to one filter in the address. */
export function FilterSelect({ name, label, options, multiple, width }: Props) {
  const [value, set] = useFilter(name)
  if (multiple) {
    return (
      <Select<string[]>
        mode="multiple"
        allowClear
        maxTagCount="responsive"
        style={{ width: width ?? 180 }}
        placeholder={label}
        aria-label={label}
        options={options}
        value={value ? value.split(',') : []}
        onChange={(next) => set(next.join(',') || undefined)}
      />
    )
  }
  return (
    <Select<string>
      allowClear
      showSearch={options.length > 8 ? { optionFilterProp: 'label' } : false}
      style={width ? { width } : undefined}
      popupMatchSelectWidth={false}
      placeholder={label}
      aria-label={label}
      options={options}
      value={value}
      onChange={(next: string | undefined) => set(next)}
    />
  )
}
