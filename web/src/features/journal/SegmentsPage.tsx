import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMe } from '@/shared/api/me'
import { DataTable, type Column } from '@/shared/ui/DataTable'
import { PageHeader } from '@/shared/ui/PageHeader'
import { StateTag } from '@/shared/ui/StateTag'
import { Empty } from '@/shared/ui/StateView'
import { Time } from '@/shared/ui/Time'
import { JournalTabs } from './components/JournalTabs'
import './journal.css'
import { fetchSegments, keys } from './queries'
import type { Segment } from './types'

/** Closed parts of the chain with their signed roots. */
export default function SegmentsPage() {
  const { t } = useTranslation('journal')
  const me = useMe()
  const [total, setTotal] = useState('')
  const row = (seq: number) => <Link to={`/journal/rows/${seq}` as string}>#{seq}</Link>
  const columns: Column<Segment>[] = [
    {
      key: 'number',
      title: t('segment.number'),
      width: 80,
      sort: 'number',
      align: 'right',
      render: (s) => s.number,
    },
    {
      key: 'rows',
      title: t('segment.rows'),
      width: 170,
      render: (s) => (
        <span className="mono">
          {row(s.first_seq)} – {row(s.last_seq)}
        </span>
      ),
    },
    {
      key: 'closed',
      title: t('segment.closed'),
      width: 160,
      render: (s) => <Time value={s.closed_at} format="full" />,
    },
    {
      key: 'copied',
      title: t('segment.copied'),
      width: 170,
      render: (s) =>
        s.copied_at ? (
          <Time value={s.copied_at} format="full" />
        ) : (
          <StateTag tone="warning" text={t('segment.notCopied')} />
        ),
    },
    {
      key: 'root',
      title: t('segment.root'),
      width: 300,
      ellipsis: true,
      render: (s) => <code className="soft">{s.root}</code>,
    },
    {
      key: 'signer',
      title: t('segment.signer'),
      width: 260,
      ellipsis: true,
      render: (s) => <code className="muted">{s.signer_fingerprint}</code>,
    },
  ]
  return (
    <>
      <PageHeader title={t('tabs.segments')} meta={total} />
      <DataTable<Segment>
        queryKey={keys.segments}
        fetch={fetchSegments}
        columns={columns}
        rowKey={(s) => String(s.number)}
        filterKeys={[]}
        exportPath="/journal/segments/export"
        onTotal={setTotal}
        head={<JournalTabs />}
        filters={
          <div className="soft">
            {t('segment.help')}
            {me?.installation.fingerprint && (
              <div className="meta break">
                {t('segment.own')} <code>{me.installation.fingerprint}</code>
              </div>
            )}
          </div>
        }
        empty={<Empty text={t('segment.none')} hint={t('segment.noneHint')} />}
      />
    </>
  )
}
