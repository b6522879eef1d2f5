import { CloseOutlined } from '@ant-design/icons'
import { Button } from 'antd'
import type { ReactNode } from 'react'

interface Props {
  children: ReactNode
  /** What taking it away means, for who cannot see the cross. */
  label: string
  onRemove: () => void
}

/** A filter of the address that has no control of its own: it came with a link, and can be taken away. */
export function FilterChip({ children, label, onRemove }: Props) {
  return (
    <span className="filter-chip">
      {children}
      <Button type="text" size="small" icon={<CloseOutlined />} aria-label={label} onClick={onRemove} />
    </span>
  )
}
