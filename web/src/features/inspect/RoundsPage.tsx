import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { plansQuery, type Round } from '@/shared/api/inspect'
import { useLocalized } from '@/shared/lib/localized'
import { DataTable } from '@/shared/ui/DataTable'
import { FilterSelect } from '@/shared/ui/FilterSelect'
import { PageHeader } from '@/shared/ui/PageHeader'
import { RunNow } from '@/shared/ui/RunNow'
import { Empty } from '@/shared/ui/StateView'
import { TimeRangeFilter } from '@/shared/ui/TimeRangeFilter'
import { useRoundColumns } from './components/roundColumns'
import './inspect.css'
import { fetchRounds, keys } from './queries'

const filterKeys = ['plan_id', 'trigger', 'state', 'worst_state', 'from', 'to'] as const

export default function RoundsPage() {
  const { t } = useTranslation('inspect')
  const { planName } = useLocalized()
  const navigate = useNavigate()
  const plans = useQuery(plansQuery).data ?? []
  const columns = useRoundColumns(true)
  const [total, setTotal] = useState('')
  return (
    <>
      <PageHeader title={t('rounds.title')} meta={total} actions={<RunNow primary keyboard />} />
      <DataTable<Round>
        queryKey={keys.rounds}
        fetch={fetchRounds}
        columns={columns}
        rowKey={(r) => r.id}
        filterKeys={filterKeys}
        exportPath="/inspect/rounds/export"
        onTotal={setTotal}
        onOpen={(r) => void navigate({ to: `/inspect/rounds/${r.id}` as string })}
        empty={<Empty text={t('rounds.empty')} action={<RunNow />} />}
        filters={
          <>
            <FilterSelect
              name="plan_id"
              label={t('col.plan')}
              options={plans.map((plan) => ({ value: plan.id, label: planName(plan) }))}
            />
            <FilterSelect
              name="worst_state"
              label={t('round.worst')}
              multiple
              width={150}
              options={(['CRITICAL', 'UNKNOWN', 'WARNING', 'OK'] as const).map((state) => ({
                value: state,
                label: t(`check.${state}`),
              }))}
            />
            <FilterSelect
              name="trigger"
              label={t('round.trigger')}
              options={(['schedule', 'manual', 'start'] as const).map((value) => ({
                value,
                label: t(`parts:trigger.${value}`),
              }))}
            />
            <FilterSelect
              name="state"
              label={t('round.state')}
              options={(['running', 'finished'] as const).map((value) => ({
                value,
                label: t(`parts:round.${value}`),
              }))}
            />
            <TimeRangeFilter label={t('round.started')} />
          </>
        }
      />
    </>
  )
}
