import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useLocalized } from '@/shared/lib/localized'
import { useFilters } from '@/shared/lib/search'
import { DataTable, type Column } from '@/shared/ui/DataTable'
import { FilterChip } from '@/shared/ui/FilterChip'
import { FilterSelect } from '@/shared/ui/FilterSelect'
import { PageHeader } from '@/shared/ui/PageHeader'
import { PersonSelect } from '@/shared/ui/PersonSelect'
import { Empty } from '@/shared/ui/StateView'
import { TimeRangeFilter } from '@/shared/ui/TimeRangeFilter'
import { Time } from '@/shared/ui/Time'
import { ExportButton } from './components/ExportButton'
import { JournalTabs } from './components/JournalTabs'
import { Actor, Subject, useFieldText } from './components/words'
import './journal.css'
import { fetchRows, keys, typesQuery } from './queries'
import type { Row } from './types'

const filterKeys = ['type', 'actor_id', 'subject_kind', 'subject_id', 'from', 'to'] as const

/** Everything that happened, the latest first. */
export default function RowsPage() {
  const { t } = useTranslation('journal')
  const { title } = useLocalized()
  const navigate = useNavigate()
  const types = useQuery(typesQuery).data ?? []
  const [search, change] = useFilters<(typeof filterKeys)[number]>()
  const [total, setTotal] = useState('')

  const fieldText = useFieldText()
  const summary = (row: Row) => {
    const fields = types.find((type) => type.type === row.type)?.fields ?? []
    const names = fields.length > 0 ? fields.map((field) => field.name) : Object.keys(row.fields)
    return names
      .filter((name) => row.fields[name] !== undefined && row.fields[name] !== '')
      .map((name) => {
        const field = fields.find((f) => f.name === name)
        return `${field ? title(field) : name} ${fieldText(row.fields[name], row.names)}`
      })
      .join(' · ')
  }

  const columns: Column<Row>[] = [
    {
      key: 'seq',
      title: t('row.seq'),
      width: 84,
      sort: 'seq',
      align: 'right',
      render: (row) => (
        <Link className="mono" to={`/journal/rows/${row.seq}` as string}>
          {row.seq}
        </Link>
      ),
    },
    {
      key: 'at',
      title: t('row.at'),
      width: 150,
      render: (row) => <Time value={row.at} format="full" />,
    },
    {
      key: 'type',
      title: t('row.type'),
      width: 190,
      render: (row) => <span title={row.type}>{title(row)}</span>,
    },
    {
      key: 'code',
      title: t('row.code'),
      width: 220,
      render: (row) => <span className="mono muted">{row.type}</span>,
    },
    {
      key: 'actor',
      title: t('row.actor'),
      width: 110,
      ellipsis: true,
      render: (row) => <Actor actor={row.actor} />,
    },
    {
      key: 'subject',
      title: t('row.subject'),
      width: 170,
      render: (row) => <Subject row={row} />,
    },
    {
      key: 'fields',
      title: t('row.fields'),
      width: 380,
      ellipsis: true,
      render: (row) => <span className="soft">{summary(row)}</span>,
    },
    {
      key: 'hash',
      title: t('row.hash'),
      width: 110,
      render: (row) => (
        <span className="mono muted" title={row.hash}>
          {row.hash.slice(0, 10)}
        </span>
      ),
    },
  ]

  const modules = [...new Set(types.map((type) => type.type.split('.')[0]!))]
  return (
    <>
      <PageHeader title={t('title')} meta={total} actions={<ExportButton />} />
      <DataTable<Row>
        queryKey={keys.rows}
        fetch={fetchRows}
        columns={columns.filter((column) => column.key !== 'code')}
        rowKey={(row) => row.id}
        filterKeys={filterKeys}
        exportPath="/journal/rows/export"
        onTotal={setTotal}
        onOpen={(row) => void navigate({ to: `/journal/rows/${row.seq}` as string })}
        empty={<Empty text={t('rows.empty')} />}
        head={<JournalTabs />}
        filters={
          <>
            <FilterSelect
              name="type"
              label={t('row.type')}
              multiple
              width={240}
              options={modules.flatMap((module) =>
                types
                  .filter((type) => type.type.split('.')[0] === module)
                  .map((type) => ({ value: type.type, label: title(type) })),
              )}
            />
            <PersonSelect label={t('row.actor')} value={search.actor_id} onChange={(id) => change({ actor_id: id })} />
            {(search.subject_kind || search.subject_id) && (
              <FilterChip
                label={t('rows.anySubject')}
                onRemove={() => change({ subject_kind: undefined, subject_id: undefined })}
              >
                {t('row.subject')}{' '}
                <Subject row={{ subject: { kind: search.subject_kind ?? '', id: search.subject_id ?? '' } }} />
              </FilterChip>
            )}
            <TimeRangeFilter label={t('row.at')} />
          </>
        }
      />
    </>
  )
}
