import { LeftOutlined, ReloadOutlined, RightOutlined, SearchOutlined } from '@ant-design/icons'
import { keepPreviousData, useQuery, type QueryKey } from '@tanstack/react-query'
import { Button, Checkbox, Input, Table, Tooltip, type InputRef, type TableColumnType } from 'antd'
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Query } from '@/shared/api/client'
import type { Page } from '@/shared/api/types'
import { releaseFocus, useKeys } from '@/shared/lib/keys'
import { useFilters, type Search } from '@/shared/lib/search'
import { ExportButton } from './ExportButton'
import { Empty, Failure, Loading, StaleBar } from './StateView'
import { usePagePosition } from './usePagePosition'

export interface Column<T> {
  key: string
  title: string
  render: (row: T, index: number) => ReactNode
  width?: number
  align?: 'left' | 'right' | 'center'
  ellipsis?: boolean
  /** The server's name of the field to sort by. */
  sort?: string
}

interface Props<T> {
  /** [module, resource]; filters are added. */
  queryKey: QueryKey
  fetch: (query: Query, signal: AbortSignal) => Promise<Page<T>>
  columns: Column<T>[]
  rowKey: (row: T) => string
  /** Names of the filters in the address which the server is given; "q" draws the search box. */
  filterKeys: readonly string[]
  /** Filters that hold whatever the address says. */
  fixed?: Query
  defaultSort?: string
  searchPlaceholder?: string
  /** Filter controls, beside the search box. */
  filters?: ReactNode
  /** Above the filters, e.g. tabs by state. */
  head?: ReactNode
  /** At the right end of the filter bar, before refresh and export. */
  tools?: ReactNode
  onOpen?: (row: T) => void
  /** The row that a drawer shows at the moment. */
  openKey?: string
  empty?: ReactNode
  /** The operation that writes the list as a file, "/inspect/findings/export"; without it there is no export. */
  exportPath?: string
  pageSize?: number
  onTotal?: (text: string) => void
  /** Rows that a person ticked, and what to do when they tick others; without it there are no boxes. */
  selected?: string[]
  onSelect?: (keys: string[]) => void
}

export function totalText(page: Pick<Page<unknown>, 'total' | 'total_capped'>): string {
  return page.total.toLocaleString('en-US') + (page.total_capped ? '+' : '')
}

/** A list kept by the server: its filters in the address, its pages by keyset cursor, its rows by keyboard. */
export function DataTable<T extends object>(props: Props<T>) {
  const { queryKey, fetch, columns, rowKey, filterKeys, fixed, defaultSort, filters, head, tools } = props
  const { onOpen, openKey, empty, exportPath, pageSize = 50, onTotal } = props
  const { t } = useTranslation()
  const [search, change] = useFilters<string>()
  const sort = search.sort ?? defaultSort
  const active = useMemo(() => {
    const query: Query = { ...fixed }
    for (const key of filterKeys) if (search[key]) query[key] = search[key]
    return query
  }, [fixed, filterKeys, search])
  const filtered = filterKeys.some((key) => search[key])

  const position = usePagePosition([...queryKey, active, sort])
  const query = useQuery({
    queryKey: [...queryKey, { ...active, sort, cursor: position.cursor, limit: pageSize }],
    queryFn: ({ signal }) => fetch({ ...active, sort, cursor: position.cursor, limit: pageSize }, signal),
    placeholderData: keepPreviousData,
  })
  const page = query.data
  const rows = useMemo(() => page?.items ?? [], [page])

  const total = page ? t('table.total', { total: totalText(page) }) : ''
  useEffect(() => onTotal?.(total), [onTotal, total])

  const [cursorKey, setCursorKey] = useState<string>()
  const body = useRef<HTMLDivElement>(null)
  const searchBox = useRef<InputRef>(null)
  const move = (step: number) => {
    if (rows.length === 0) return
    const at = rows.findIndex((row) => rowKey(row) === cursorKey)
    const next = Math.min(rows.length - 1, Math.max(0, at + step))
    setCursorKey(rowKey(rows[next]!))
    releaseFocus()
    body.current?.querySelectorAll('.ant-table-tbody > tr.ant-table-row')[next]?.scrollIntoView({ block: 'nearest' })
  }
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    Enter: () => {
      const row = rows.find((one) => rowKey(one) === cursorKey)
      if (row) onOpen?.(row)
    },
    x: () => {
      if (cursorKey && rows.some((row) => rowKey(row) === cursorKey)) toggle(cursorKey)
    },
    '/': () => searchBox.current?.focus(),
  })

  const tableColumns: TableColumnType<T>[] = columns.map((column) => ({
    key: column.key,
    title: column.title,
    width: column.width,
    align: column.align,
    ellipsis: column.ellipsis,
    sorter: column.sort !== undefined,
    sortOrder:
      column.sort === undefined
        ? undefined
        : sort === column.sort
          ? 'ascend'
          : sort === `-${column.sort}`
            ? 'descend'
            : null,
    showSorterTooltip: false,
    render: (_: unknown, row: T, index: number) => column.render(row, index),
  }))
  const { selected = [], onSelect } = props
  const toggle = (key: string) =>
    onSelect?.(selected.includes(key) ? selected.filter((one) => one !== key) : [...selected, key])
  const wholePage = rows.length > 0 && rows.every((row) => selected.includes(rowKey(row)))
  const togglePage = () => {
    const here = rows.map(rowKey)
    onSelect?.(wholePage ? selected.filter((key) => !here.includes(key)) : [...new Set([...selected, ...here])])
  }
  // A column of our own: the table's repeats its boxes in a hidden row that can be tabbed to.
  if (onSelect)
    tableColumns.unshift({
      key: 'select',
      title: t('table.select'),
      width: 52,
      render: (_: unknown, row: T) => (
        <Checkbox
          aria-label={t('table.selectRow')}
          checked={selected.includes(rowKey(row))}
          onChange={() => toggle(rowKey(row))}
        />
      ),
    })
  const widths = columns.reduce((sum, column) => sum + (column.width ?? 180), 0)

  const nothing = filtered ? (
    <Empty
      text={t('table.emptyFiltered')}
      action={
        <Button onClick={() => change(Object.fromEntries(filterKeys.map((key) => [key, undefined])))}>
          {t('table.clear')}
        </Button>
      }
    />
  ) : (
    (empty ?? <Empty />)
  )

  const hasBar = filterKeys.includes('q') || filters || tools || exportPath
  return (
    <section className="panel data-table">
      {head}
      {hasBar && (
        <div className="data-table-bar no-print">
          {filterKeys.includes('q') && (
            <SearchBox
              ref={searchBox}
              value={search.q ?? ''}
              placeholder={props.searchPlaceholder ?? t('table.search')}
              onChange={(q) => change({ q })}
            />
          )}
          {filters}
          <span className="grow" />
          {onSelect && rows.length > 0 && (
            <Button type="text" onClick={togglePage}>
              {t(wholePage ? 'table.unselectPage' : 'table.selectPage')}
            </Button>
          )}
          {tools}
          <span className="row">
            {exportPath && (
              <ExportButton name={exportPath.split('/')[2]!} path={exportPath} query={{ ...active, sort }} />
            )}
            <Tooltip title={t('table.refresh')}>
              <Button
                type="text"
                icon={<ReloadOutlined spin={query.isFetching && !query.isPending} />}
                aria-label={t('table.refresh')}
                onClick={() => void query.refetch()}
              />
            </Tooltip>
          </span>
        </div>
      )}
      {query.isError && page && <StaleBar at={query.dataUpdatedAt} retry={() => void query.refetch()} />}
      {query.isPending ? (
        <Loading rows={8} />
      ) : query.isError && !page ? (
        <Failure error={query.error} retry={() => void query.refetch()} />
      ) : rows.length === 0 ? (
        nothing
      ) : (
        <div ref={body}>
          <Table<T>
            size="small"
            columns={tableColumns}
            dataSource={rows as T[]}
            rowKey={rowKey}
            pagination={false}
            scroll={{ x: widths }}
            sticky={{ getContainer: () => document.getElementById('main') ?? window }}
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
            onChange={(_pagination, _filters, sorter) => {
              const one = Array.isArray(sorter) ? sorter[0] : sorter
              const field = columns.find((column) => column.key === one?.columnKey)?.sort
              change({ sort: one?.order && field ? (one.order === 'ascend' ? field : `-${field}`) : undefined })
            }}
          />
        </div>
      )}
      {page && (rows.length > 0 || position.index > 0) && (
        <div className="data-table-foot">
          <span className="grow">{total}</span>
          {(position.index > 0 || page.next_cursor) && (
            <>
              <span>{t('table.page', { page: position.index + 1 })}</span>
              <Button
                icon={<LeftOutlined />}
                aria-label={t('table.prev')}
                disabled={position.index === 0}
                onClick={() => {
                  setCursorKey(undefined)
                  position.back()
                }}
              />
              <Button
                icon={<RightOutlined />}
                aria-label={t('table.next')}
                disabled={!page.next_cursor || query.isPlaceholderData}
                onClick={() => {
                  setCursorKey(undefined)
                  position.forward(page.next_cursor)
                }}
              />
            </>
          )}
        </div>
      )}
    </section>
  )
}

interface SearchBoxProps {
  ref: React.Ref<InputRef>
  value: string
  placeholder: string
  onChange: (text: string) => void
}

/** Asks the server when the typing pauses, at once on Enter. */
function SearchBox({ ref, value, placeholder, onChange }: SearchBoxProps) {
  const [text, setText] = useState(value)
  const [shown, setShown] = useState(value)
  if (value !== shown) {
    setShown(value)
    setText(value)
  }
  useEffect(() => {
    if (text === value) return
    const timer = setTimeout(() => onChange(text.trim()), 300)
    return () => clearTimeout(timer)
  }, [text, value, onChange])
  return (
    <Input
      ref={ref}
      allowClear
      prefix={<SearchOutlined className="muted" />}
      value={text}
      placeholder={placeholder}
      aria-label={placeholder}
      onChange={(event) => setText(event.target.value)}
      onPressEnter={() => onChange(text.trim())}
      onKeyDown={(event: React.KeyboardEvent<HTMLInputElement>) => {
        if (event.key === 'Escape') event.currentTarget.blur()
      }}
    />
  )
}

/** A filter of a list as a drop-down; several values are comma separated in the address. */
export function useFilter(key: string): [string | undefined, (value: string | undefined) => void] {
  const [search, change] = useFilters<string>()
  return [search[key], (value) => change({ [key]: value } as Search<string>)]
}
