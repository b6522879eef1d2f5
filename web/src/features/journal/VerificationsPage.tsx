import { SafetyOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Button, Progress } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '@/shared/lib/action'
import { Can } from '@/shared/lib/perm'
import { DataTable, type Column } from '@/shared/ui/DataTable'
import { PageHeader } from '@/shared/ui/PageHeader'
import { StateTag, type Tone } from '@/shared/ui/StateTag'
import { Empty, StateView } from '@/shared/ui/StateView'
import { Ago, Time } from '@/shared/ui/Time'
import '@/shared/ui/detail.css'
import { JournalTabs } from './components/JournalTabs'
import './journal.css'
import { fetchVerifications, keys, lastVerificationQuery, module, verify } from './queries'
import type { Verification } from './types'

const tones: Record<Verification['state'], Tone> = { running: 'info', ok: 'ok', bad: 'critical', failed: 'unknown' }
const bigTones = { running: 'info', ok: 'quiet', bad: 'critical', failed: 'unknown' }

/** Whether the chain is as it was written, and each row that is not. */
export default function VerificationsPage() {
  const { t } = useTranslation('journal')
  const query = useQuery(lastVerificationQuery)
  const [total, setTotal] = useState('')
  const start = useAction(verify, { module })
  const running = query.data?.state === 'running'

  const columns: Column<Verification>[] = [
    {
      key: 'state',
      title: t('verify.state'),
      width: 110,
      render: (v) => <StateTag tone={tones[v.state]} text={t(`verify.states.${v.state}`)} />,
    },
    {
      key: 'started',
      title: t('verify.started'),
      width: 160,
      sort: 'started_at',
      render: (v) => <Time value={v.started_at} format="full" />,
    },
    {
      key: 'finished',
      title: t('verify.finished'),
      width: 160,
      render: (v) => <Time value={v.finished_at} format="full" />,
    },
    {
      key: 'rows',
      title: t('verify.rows'),
      width: 100,
      align: 'right',
      render: (v) => v.rows.toLocaleString('en-US'),
    },
    {
      key: 'bad',
      title: t('verify.bad'),
      width: 90,
      align: 'right',
      render: (v) => (v.bad.length > 0 ? <span className="verify-bad">{v.bad.length}</span> : '0'),
    },
    {
      key: 'by',
      title: t('verify.by'),
      width: 130,
      render: (v) => v.started_by || <span className="muted">{t('parts:person.system')}</span>,
    },
    {
      key: 'head',
      title: t('verify.head'),
      width: 300,
      ellipsis: true,
      render: (v) => <code className="muted">{v.head || '—'}</code>,
    },
  ]

  return (
    <>
      <PageHeader
        title={t('tabs.verifications')}
        meta={total}
        actions={
          <Can perm="journal.verify">
            <Button
              type="primary"
              icon={<SafetyOutlined />}
              loading={start.isPending || running}
              onClick={() => start.mutate(undefined)}
            >
              {t('verify.start')}
            </Button>
          </Can>
        }
      />
      <div className="stack">
        <section className="panel" aria-live="polite">
          <JournalTabs />
          <StateView query={query} skeletonRows={2}>
            {(last) => (last ? <Last last={last} /> : <Empty text={t('verify.never')} hint={t('verify.neverHint')} />)}
          </StateView>
        </section>
        <DataTable<Verification>
          queryKey={keys.verifications}
          fetch={fetchVerifications}
          columns={columns}
          rowKey={(v) => v.id}
          filterKeys={[]}
          exportPath="/journal/verifications/export"
          filters={<h2 className="panel-title">{t('verify.earlier')}</h2>}
          onTotal={setTotal}
          empty={<Empty text={t('verify.never')} />}
        />
      </div>
    </>
  )
}

function Last({ last }: { last: Verification }) {
  const { t } = useTranslation('journal')
  return (
    <>
      <div className={`big-state big-${bigTones[last.state]}`} style={{ borderRadius: '0 0 8px 8px' }}>
        <div>
          <div className="big-state-word">{t(`verify.states.${last.state}`)}</div>
          <div className="meta">
            <Ago value={last.finished_at ?? last.started_at} />
          </div>
        </div>
        <div className="stack" style={{ gap: 4 }}>
          {last.state === 'running' ? (
            <Progress
              percent={100}
              status="active"
              showInfo={false}
              aria-label={t('verify.progress', { rows: last.rows.toLocaleString('en-US') })}
            />
          ) : (
            <div className="big-state-text">
              {last.state === 'ok'
                ? t('verify.okText', { rows: last.rows.toLocaleString('en-US') })
                : last.state === 'bad'
                  ? t('verify.badText', { rows: last.rows.toLocaleString('en-US'), count: last.bad.length })
                  : t('verify.failedText')}
            </div>
          )}
          <div className="meta">
            {last.state === 'running'
              ? t('verify.progress', { rows: last.rows.toLocaleString('en-US') })
              : last.pending > 0
                ? t('verify.pending', { count: last.pending })
                : last.head && (
                    <>
                      {t('verify.head')} <code className="break">{last.head}</code>
                    </>
                  )}
          </div>
        </div>
      </div>
      {last.bad.length > 0 && (
        <table className="value-table">
          <thead>
            <tr>
              <th scope="col">{t('row.seq')}</th>
              <th scope="col">{t('verify.why')}</th>
            </tr>
          </thead>
          <tbody>
            {last.bad.map((bad, i) => (
              <tr key={i}>
                <td className="mono">
                  {bad.seq > 0 ? <Link to={`/journal/rows/${bad.seq}` as string}>#{bad.seq}</Link> : '—'}
                </td>
                <td>{bad.why}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  )
}
