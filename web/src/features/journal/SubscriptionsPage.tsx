import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { App, Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Can } from '@/shared/lib/perm'
import type { Column } from '@/shared/ui/DataTable'
import { LocalTable } from '@/shared/ui/LocalTable'
import { PageHeader } from '@/shared/ui/PageHeader'
import { ReasonModal } from '@/shared/ui/ReasonModal'
import { StateTag } from '@/shared/ui/StateTag'
import { Empty, StateView } from '@/shared/ui/StateView'
import { Ago } from '@/shared/ui/Time'
import '@/shared/ui/detail.css'
import { JournalTabs } from './components/JournalTabs'
import { Subject, SubscriptionName } from './components/words'
import './journal.css'
import { actOnParked, module, subscriptionsQuery, type ParkedAct } from './queries'
import type { Parked, Subscription } from './types'

/** Where each follower of the journal stands, and what stopped it. */
export default function SubscriptionsPage() {
  const { t } = useTranslation('journal')
  const query = useQuery(subscriptionsQuery)
  const columns: Column<Subscription>[] = [
    {
      key: 'state',
      title: t('sub.state'),
      width: 110,
      render: (s) =>
        s.parked.length > 0 ? (
          <StateTag tone="critical" text={t('sub.stuck')} />
        ) : (
          <StateTag tone="quiet" text={t('sub.fine')} />
        ),
    },
    { key: 'name', title: t('sub.name'), width: 260, render: (s) => <SubscriptionName name={s.name} /> },
    {
      key: 'cursor',
      title: t('sub.cursor'),
      width: 120,
      align: 'right',
      render: (s) => s.cursor.toLocaleString('en-US'),
    },
    {
      key: 'head',
      title: t('sub.head'),
      width: 120,
      align: 'right',
      render: (s) => s.head.toLocaleString('en-US'),
    },
    {
      key: 'lag',
      title: t('sub.lag'),
      width: 120,
      align: 'right',
      render: (s) => (s.lag > 0 ? <strong>{s.lag.toLocaleString('en-US')}</strong> : <span className="muted">0</span>),
    },
    {
      key: 'parked',
      title: t('sub.parked'),
      width: 120,
      align: 'right',
      render: (s) =>
        s.parked.length > 0 ? <span className="verify-bad">{s.parked.length}</span> : <span className="muted">0</span>,
    },
  ]
  return (
    <>
      <PageHeader title={t('tabs.subscriptions')} />
      <div className="stack">
        <section className="panel data-table">
          <JournalTabs />
          <StateView
            query={query}
            isEmpty={(list) => list.length === 0}
            empty={<Empty text={t('sub.none')} hint={t('sub.help')} />}
          >
            {(list) => (
              <>
                <p className="panel-body meta" style={{ paddingBlock: 10 }}>
                  {t('sub.help')}
                </p>
                <LocalTable
                  label={t('tabs.subscriptions')}
                  rows={list}
                  columns={columns}
                  rowKey={(s) => s.name}
                  keyboard
                />
              </>
            )}
          </StateView>
        </section>
        {(query.data ?? [])
          .filter((s) => s.parked.length > 0)
          .map((s) => (
            <ParkedList key={s.name} subscription={s} />
          ))}
      </div>
    </>
  )
}

function ParkedList({ subscription }: { subscription: Subscription }) {
  const { t } = useTranslation('journal')
  const { message } = App.useApp()
  const client = useQueryClient()
  const [act, setAct] = useState<{ act: ParkedAct; parked: Parked }>()
  return (
    <section className="panel" aria-label={subscription.name}>
      <div className="panel-head">
        <h2 className="panel-title grow">
          {t('sub.parkedOf')} <SubscriptionName name={subscription.name} />
        </h2>
      </div>
      <table className="value-table">
        <thead>
          <tr>
            <th scope="col">{t('row.subject')}</th>
            <th scope="col">{t('row.seq')}</th>
            <th scope="col">{t('sub.error')}</th>
            <th scope="col" className="num">
              {t('sub.waiting')}
            </th>
            <th scope="col">{t('sub.since')}</th>
            <th scope="col">
              <span className="sr-only">{t('sub.acts')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {subscription.parked.map((parked) => {
            const colon = parked.subject.indexOf(':')
            return (
              <tr key={parked.subject}>
                <td>
                  <Subject
                    row={{ subject: { kind: parked.subject.slice(0, colon), id: parked.subject.slice(colon + 1) } }}
                  />
                </td>
                <td className="mono">
                  <Link to={`/journal/rows/${parked.seq}` as string}>#{parked.seq}</Link>
                </td>
                <td className="break">{parked.error}</td>
                <td className="num">{parked.waiting}</td>
                <td>
                  <Ago value={parked.since} />
                </td>
                <td className="nowrap">
                  {parked.retrying ? (
                    <StateTag tone="info" text={t('sub.retrying')} />
                  ) : (
                    <Can perm="journal.subscription.manage">
                      <span className="row">
                        <Button size="small" onClick={() => setAct({ act: 'retry', parked })}>
                          {t('sub.retry')}
                        </Button>
                        <Button size="small" danger onClick={() => setAct({ act: 'skip', parked })}>
                          {t('sub.skip')}
                        </Button>
                      </span>
                    </Can>
                  )}
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
      <ReasonModal
        open={act !== undefined}
        title={act ? t(`sub.${act.act}Title`, { seq: act.parked.seq }) : ''}
        body={act && t(`sub.${act.act}Body`)}
        okText={act ? t(`sub.${act.act}`) : ''}
        danger={act?.act === 'skip'}
        confirmWord={act?.act === 'skip' ? String(act.parked.seq) : undefined}
        onOk={async (reason) => {
          await actOnParked(subscription.name, act!.parked.subject, act!.act, reason)
          void message.success(t(`sub.${act!.act}Done`))
          await client.invalidateQueries({ queryKey: [module] })
        }}
        onClose={() => setAct(undefined)}
      />
    </section>
  )
}
