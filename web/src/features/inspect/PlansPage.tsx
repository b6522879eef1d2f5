import { PlusOutlined } from '@ant-design/icons'
import { Link, useNavigate } from '@tanstack/react-router'
import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Plan } from '@/shared/api/inspect'
import { useLocalized } from '@/shared/lib/localized'
import { Can } from '@/shared/lib/perm'
import { DataTable, type Column } from '@/shared/ui/DataTable'
import { FilterSelect } from '@/shared/ui/FilterSelect'
import { PageHeader } from '@/shared/ui/PageHeader'
import { RunNow } from '@/shared/ui/RunNow'
import { CheckStateTag, StateTag } from '@/shared/ui/StateTag'
import { Empty } from '@/shared/ui/StateView'
import { Ago } from '@/shared/ui/Time'
import { PlanForm } from './components/PlanForm'
import './inspect.css'
import { fetchPlans, keys } from './queries'
import { planTones, useTimingText } from './words'

const due = (plan: Plan) => plan.enabled && plan.state !== 'never'

export default function PlansPage() {
  const { t } = useTranslation('inspect')
  const { planName } = useLocalized()
  const navigate = useNavigate()
  const timing = useTimingText()
  const [adding, setAdding] = useState(false)
  const [total, setTotal] = useState('')
  const add = (
    <Can perm="inspect.manage">
      <Button type="primary" icon={<PlusOutlined />} onClick={() => setAdding(true)}>
        {t('plan.add')}
      </Button>
    </Can>
  )

  const columns: Column<Plan>[] = [
    {
      key: 'name',
      title: t('plan.name'),
      width: 160,
      sort: 'name',
      render: (plan) => <Link to={`/inspect/plans/${plan.id}` as string}>{planName(plan)}</Link>,
    },
    {
      key: 'enabled',
      title: t('col.state'),
      width: 110,
      render: (plan) => <StateTag tone={planTones[plan.state]} text={t(`plan.states.${plan.state}`)} />,
    },
    {
      key: 'timing',
      title: t('plan.timing'),
      width: 190,
      ellipsis: true,
      render: (plan) => timing(plan),
    },
    {
      key: 'classes',
      title: t('plan.classes'),
      width: 200,
      ellipsis: true,
      render: (plan) => (
        <span className="soft">
          {plan.selector.classes.length === 6
            ? t('plan.allClasses')
            : plan.selector.classes.map((c) => t(`parts:class.${c}`)).join('、')}
        </span>
      ),
    },
    {
      key: 'checks',
      title: t('plan.checks'),
      width: 80,
      align: 'right',
      render: (plan) => plan.check_count,
    },
    {
      key: 'last',
      title: t('plan.lastRound'),
      width: 200,
      render: (plan) =>
        plan.last_round ? (
          <span className="row">
            {plan.last_round.state === 'running' ? (
              <StateTag tone="info" text={t('parts:round.running')} />
            ) : (
              <CheckStateTag state={plan.last_round.worst_state || null} />
            )}
            <Link className="mono nowrap" to={`/inspect/rounds/${plan.last_round.id}` as string}>
              {plan.last_round.number}
            </Link>
          </span>
        ) : (
          <span className="muted">—</span>
        ),
    },
    {
      key: 'next',
      title: t('plan.nextDue'),
      width: 110,
      render: (plan) => (due(plan) ? <Ago value={plan.next_due_at} /> : <span className="muted">—</span>),
    },
    {
      key: 'run',
      title: '',
      width: 130,
      align: 'right',
      render: (plan) => due(plan) && plan.state === 'on' && <RunNow plan={plan} size="small" />,
    },
  ]

  return (
    <>
      <PageHeader title={t('plans.title')} meta={total} actions={add} />
      <DataTable<Plan>
        queryKey={keys.plans}
        fetch={fetchPlans}
        columns={columns}
        rowKey={(plan) => plan.id}
        filterKeys={['enabled']}
        exportPath="/inspect/plans/export"
        onTotal={setTotal}
        onOpen={(plan) => void navigate({ to: `/inspect/plans/${plan.id}` as string })}
        empty={<Empty text={t('plans.empty')} hint={t('plans.emptyHint')} action={add} />}
        filters={
          <FilterSelect
            name="enabled"
            label={t('col.state')}
            options={[
              { value: 'true', label: t('plan.on') },
              { value: 'false', label: t('plan.off') },
            ]}
          />
        }
      />
      <PlanForm
        open={adding}
        onClose={() => setAdding(false)}
        onSaved={(plan) => void navigate({ to: `/inspect/plans/${plan.id}` as string })}
      />
    </>
  )
}
