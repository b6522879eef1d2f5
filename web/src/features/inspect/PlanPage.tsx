import { EditOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { App, Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useOrgNames } from '@/shared/api/org'
import type { Plan, Round } from '@/shared/api/inspect'
import { useAction } from '@/shared/lib/action'
import { useLocalized } from '@/shared/lib/localized'
import { Can } from '@/shared/lib/perm'
import { formatTime } from '@/shared/lib/time'
import { DataTable, type Column } from '@/shared/ui/DataTable'
import { Notice } from '@/shared/ui/Notice'
import { PageHeader } from '@/shared/ui/PageHeader'
import { RunNow } from '@/shared/ui/RunNow'
import { CheckStateTag, StateTag } from '@/shared/ui/StateTag'
import { Empty, StateView } from '@/shared/ui/StateView'
import { Ago, Time } from '@/shared/ui/Time'
import '@/shared/ui/detail.css'
import { PlanForm } from './components/PlanForm'
import { SlotList } from './components/SlotList'
import { useRoundColumns } from './components/roundColumns'
import './inspect.css'
import { changePlan, fetchGaps, fetchRounds, keys, kindsQuery, module, planAheadQuery, planQuery } from './queries'
import type { Gap } from './types'
import { planTones, useReasonText, useTimingText } from './words'

/** One plan: what it walks and how often, its rounds, and the rounds that did not take place. */
export default function PlanPage() {
  const { id } = useParams({ strict: false }) as { id: string }
  const query = useQuery(planQuery(id))
  return <StateView query={query}>{(plan) => <PlanView plan={plan} />}</StateView>
}

function PlanView({ plan }: { plan: Plan }) {
  const { t } = useTranslation('inspect')
  const { planName } = useLocalized()
  const { message, modal } = App.useApp()
  const navigate = useNavigate()
  const [editing, setEditing] = useState(false)
  const [fixed] = useState({ plan_id: plan.id })
  const roundColumns = useRoundColumns(false)
  const gapColumns = useGapColumns()
  const toggle = useAction((enabled: boolean) => changePlan(plan.id, { enabled, version: plan.version }), {
    module,
    success: t('plan.saved'),
  })
  const ask = () =>
    void modal.confirm({
      title: plan.enabled ? t('plan.offTitle', { name: planName(plan) }) : t('plan.onTitle', { name: planName(plan) }),
      content: plan.enabled ? t('plan.offBody') : t('plan.onBody'),
      okText: plan.enabled ? t('plan.turnOff') : t('plan.turnOn'),
      okButtonProps: { danger: plan.enabled },
      cancelText: t('actions.cancel'),
      onOk: () => toggle.mutateAsync(!plan.enabled).catch(() => undefined),
    })

  return (
    <>
      <PageHeader
        title={planName(plan)}
        above={
          <StateTag tone={plan.state === 'on' ? 'ok' : planTones[plan.state]} text={t(`plan.states.${plan.state}`)} />
        }
        actions={
          <>
            <Can perm="inspect.manage">
              <Button onClick={ask} loading={toggle.isPending}>
                {plan.enabled ? t('plan.turnOff') : t('plan.turnOn')}
              </Button>
              <Button icon={<EditOutlined />} onClick={() => setEditing(true)}>
                {t('actions.edit')}
              </Button>
            </Can>
            {plan.enabled && plan.check_count > 0 && <RunNow plan={plan} primary keyboard />}
          </>
        }
      />
      <div className="split">
        <div className="stack">
          {plan.state === 'empty' && (
            <Notice tone="warning" title={t('timing.emptyTitle')}>
              {plan.empty_since
                ? t('plan.emptySince', { time: formatTime(plan.empty_since, 'minute') })
                : t('timing.emptyBody')}
            </Notice>
          )}
          {plan.calendar_missing.map((year) => (
            <Notice key={year} tone="critical">
              {t('plan.calendarMissing', { year })}
            </Notice>
          ))}
          <DataTable<Round>
            queryKey={[...keys.rounds, plan.id]}
            fetch={fetchRounds}
            columns={roundColumns}
            rowKey={(round) => round.id}
            fixed={fixed}
            filterKeys={[]}
            pageSize={20}
            exportPath="/inspect/rounds/export"
            filters={<h2 className="panel-title">{t('nav.rounds')}</h2>}
            onOpen={(round) => void navigate({ to: `/inspect/rounds/${round.id}` as string })}
            empty={<Empty text={t('rounds.empty')} />}
          />
          <Gaps planId={plan.id} columns={gapColumns} />
        </div>
        <div className="stack">
          <PlanFacts plan={plan} />
          {plan.enabled && <PlanAhead plan={plan} />}
        </div>
      </div>
      <PlanForm
        open={editing}
        plan={plan}
        onClose={() => setEditing(false)}
        onSaved={() => void message.success(t('plan.saved'))}
      />
    </>
  )
}

function Gaps({ planId, columns }: { planId: string; columns: Column<Gap>[] }) {
  const { t } = useTranslation('inspect')
  const [fixed] = useState({ plan_id: planId })
  return (
    <DataTable<Gap>
      queryKey={[...keys.gaps, planId]}
      fetch={(query, signal) => fetchGaps({ ...query, sort: undefined }, signal)}
      columns={columns}
      rowKey={(gap) => gap.id}
      fixed={fixed}
      filterKeys={[]}
      pageSize={10}
      exportPath="/inspect/gaps/export"
      filters={
        <>
          <h2 className="panel-title">{t('gap.title')}</h2>
          <span className="meta">{t('gap.help')}</span>
        </>
      }
      empty={<Empty text={t('gap.none')} />}
    />
  )
}

function PlanAhead({ plan }: { plan: Plan }) {
  const { t } = useTranslation('inspect')
  const query = useQuery(planAheadQuery(plan.id))
  return (
    <section className="panel panel-body stack" aria-label={t('timing.ahead')}>
      <h2 className="panel-title">{t('timing.ahead')}</h2>
      <StateView query={query}>{(ahead) => <SlotList ahead={ahead} />}</StateView>
    </section>
  )
}

/** What narrows the plan beside its classes; nothing while nothing does. */
function Narrowing({ plan }: { plan: Plan }) {
  const { t } = useTranslation('inspect')
  const { title } = useLocalized()
  const kinds = useQuery(kindsQuery).data ?? []
  const { selector } = plan
  const lines: [string, string[]][] = [
    [
      t('timing.kinds'),
      selector.kinds.map((name) => {
        const kind = kinds.find((k) => k.kind === name)
        return kind ? title(kind) : name
      }),
    ],
    [t('timing.assetKinds'), selector.asset_kinds.map((kind) => t(`assetKind.${kind}`))],
    [t('timing.labels'), Object.entries(selector.labels).map(([key, value]) => (value ? `${key}=${value}` : key))],
  ]
  return (
    <>
      {lines
        .filter(([, values]) => values.length > 0)
        .map(([label, values]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              {values.map((value) => (
                <div key={value}>{value}</div>
              ))}
            </dd>
          </div>
        ))}
    </>
  )
}

function PlanFacts({ plan }: { plan: Plan }) {
  const { t } = useTranslation('inspect')
  const { areaName, systemName } = useOrgNames()
  const timing = useTimingText()
  return (
    <aside className="panel panel-body stack">
      <dl className="facts-narrow">
        <div>
          <dt>{t('plan.timing')}</dt>
          <dd>{timing(plan)}</dd>
        </div>
        <div>
          <dt>{t('plan.nextDue')}</dt>
          <dd>
            {plan.enabled && plan.state !== 'never' ? (
              <>
                <Time value={plan.next_due_at} format="full" />{' '}
                <span className="meta">
                  (<Ago value={plan.next_due_at} />)
                </span>
              </>
            ) : (
              '—'
            )}
          </dd>
        </div>
        <div>
          <dt>{t('plan.lastRound')}</dt>
          <dd>
            {plan.last_round ? (
              <span className="row">
                <CheckStateTag state={plan.last_round.worst_state || null} />
                <Link className="mono" to={`/inspect/rounds/${plan.last_round.id}` as string}>
                  {plan.last_round.number}
                </Link>
              </span>
            ) : (
              '—'
            )}
          </dd>
        </div>
        <div>
          <dt>{t('plan.classes')}</dt>
          <dd>
            {plan.selector.classes.map((c) => (
              <div key={c} className="link-line">
                <Link to={'/inspect/checks' as string} search={{ class: c } as never}>
                  {t(`parts:class.${c}`)}
                </Link>
              </div>
            ))}
          </dd>
        </div>
        <Narrowing plan={plan} />
        <div>
          <dt>{t('plan.checks')}</dt>
          <dd>{plan.check_count}</dd>
        </div>
        <div>
          <dt>{t('col.place')}</dt>
          <dd>
            {areaName(plan.area_path)}
            {plan.system_id && ` · ${systemName(plan.system_id)}`}
          </dd>
        </div>
      </dl>
      <Can perm="journal.read">
        <Link to={'/journal' as string} search={{ subject_kind: 'inspect.plan', subject_id: plan.id } as never}>
          {t('trail')}
        </Link>
      </Can>
    </aside>
  )
}

function useGapColumns(): Column<Gap>[] {
  const { t } = useTranslation('inspect')
  const reasonText = useReasonText()
  return [
    {
      key: 'from',
      title: t('gap.from'),
      width: 160,
      render: (gap) => <Time value={gap.from} format="full" />,
    },
    {
      key: 'to',
      title: t('gap.to'),
      width: 160,
      render: (gap) => <Time value={gap.to} format="full" />,
    },
    {
      key: 'missed',
      title: t('gap.missed'),
      width: 110,
      align: 'right',
      render: (gap) => gap.missed_rounds,
    },
    {
      key: 'reason',
      title: t('result.reason'),
      width: 260,
      render: (gap) => reasonText(gap.reason),
    },
  ]
}
