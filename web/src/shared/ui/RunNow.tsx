import { PlayCircleOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Button, Dropdown } from 'antd'
import { useTranslation } from 'react-i18next'
import { inspectModule, plansQuery, runPlan, type Plan } from '@/shared/api/inspect'
import { useLocalized } from '@/shared/lib/localized'
import { useAction } from '@/shared/lib/action'
import { useKeys } from '@/shared/lib/keys'
import { usePerm } from '@/shared/lib/perm'

interface Props {
  /** Run this plan; without it the person chooses when there are several. */
  plan?: Pick<Plan, 'id'>
  primary?: boolean
  /** The r key does the same. */
  keyboard?: boolean
  /** Go to the new round; on by default. */
  follow?: boolean
  size?: 'small' | 'middle'
}

/** Starts a round now (立即巡检). */
export function RunNow({ plan, primary, keyboard, follow = true, size }: Props) {
  const { t } = useTranslation('parts')
  const { planName } = useLocalized()
  const navigate = useNavigate()
  const may = usePerm()('inspect.run')
  const plans = useQuery({ ...plansQuery, enabled: may && !plan }).data ?? []
  const choices = plan ? [plan.id] : plans.filter((p) => p.enabled).map((p) => p.id)
  const run = useAction(runPlan, {
    module: inspectModule,
    success: t('run.started'),
    onDone: (round) => {
      if (follow) void navigate({ to: `/inspect/rounds/${round.id}` as string })
    },
  })
  const start = (id: string | undefined) => {
    if (id && !run.isPending) run.mutate(id)
  }
  useKeys({ r: () => start(choices[0]) }, may && keyboard === true && choices.length === 1)
  if (!may || choices.length === 0) return null

  const button = (
    <Button
      type={primary ? 'primary' : 'default'}
      size={size}
      icon={<PlayCircleOutlined />}
      loading={run.isPending}
      onClick={choices.length === 1 ? () => start(choices[0]) : undefined}
      title={keyboard && choices.length === 1 ? `${t('run.now')} (r)` : undefined}
    >
      {t('run.now')}
    </Button>
  )
  if (choices.length === 1) return button
  return (
    <Dropdown
      trigger={['click']}
      menu={{
        items: plans
          .filter((p) => p.enabled)
          .map((p) => ({ key: p.id, label: planName(p), onClick: () => start(p.id) })),
      }}
    >
      {button}
    </Dropdown>
  )
}
