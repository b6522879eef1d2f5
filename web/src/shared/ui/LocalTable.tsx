import { Table } from 'antd'
import { useRef, useState } from 'react'
import { releaseFocus, useKeys } from '@/shared/lib/keys'
import type { Column } from './DataTable'
import { Empty } from './StateView'

interface Props<T> {
  rows: T[]
  columns: Column<T>[]
  rowKey: (row: T) => string
  onOpen?: (row: T) => void
  openKey?: string
  /** j, k and Enter move in this table; one table of a page may have them. */
  keyboard?: boolean
  label: string
  sticky?: boolean
}

/** Rows that came whole with their page: no paging, the same look and the same keys as a kept list. */
export function LocalTable<T extends object>(props: Props<T>) {
  const { rows, columns, rowKey, onOpen, openKey, keyboard, label, sticky } = props
  const [cursorKey, setCursorKey] = useState<string>()
  const body = useRef<HTMLDivElement>(null)
  const move = (step: number) => {
    if (rows.length === 0) return
    const at = rows.findIndex((row) => rowKey(row) === cursorKey)
    const next = Math.min(rows.length - 1, Math.max(0, at + step))
    setCursorKey(rowKey(rows[next]!))
    releaseFocus()
    body.current?.querySelectorAll('.ant-table-tbody > tr.ant-table-row')[next]?.scrollIntoView({ block: 'nearest' })
  }
  useKeys(
    {
      j: () => move(1),
      k: () => move(-1),
      Enter: () => {
        const row = rows.find((one) => rowKey(one) === cursorKey)
        if (row) onOpen?.(row)
      },
    },
    keyboard === true,
  )
  return (
    <div ref={body} className="data-table" role="region" aria-label={label}>
      <Table<T>
        size="small"
        locale={{ emptyText: <Empty /> }}
        columns={columns.map((column) => ({
          key: column.key,
          title: column.title,
          width: column.width,
          align: column.align,
          ellipsis: column.ellipsis,
          render: (_: unknown, row: T, index: number) => column.render(row, index),
        }))}
        dataSource={rows}
        rowKey={rowKey}
        pagination={false}
        scroll={{ x: columns.reduce((sum, column) => sum + (column.width ?? 180), 0) }}
        sticky={sticky ? { getContainer: () => document.getElementById('main') ?? window } : false}
        rowClassName={(row) =>
          [
            onOpen && 'openable',
            rowKey(row) === cursorKey && 'at-cursor',
            openKey && rowKey(row) === openKey && 'is-open',
          ]
            .filter(Boolean)
            .join(' ')
        }
        onRow={(row) => ({
          onClick: (event) => {
            if ((event.target as HTMLElement).closest('a,button,input,.ant-dropdown')) return
            if (String(window.getSelection() ?? '') !== '') return
            setCursorKey(rowKey(row))
            onOpen?.(row)
          },
        })}
      />
    </div>
  )
}
