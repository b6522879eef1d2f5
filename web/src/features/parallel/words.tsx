import { useTranslation } from 'react-i18next'
import { StateTag, type Tone } from '@/shared/ui/StateTag'
import type { Difference } from './queries'

const sideTones: Record<Difference['side'], Tone> = { both: 'ok', zabbix_only: 'critical', ours_only: 'info' }

export function SideTag({ side }: { side: Difference['side'] }) {
  const { t } = useTranslation('parallel')
  return <StateTag tone={sideTones[side]} text={t(`side.${side}`)} />
}

const severityTones: Tone[] = ['neutral', 'info', 'warning', 'warning', 'critical', 'critical']

/** The severity as Zabbix calls it. */
export function SeverityTag({ severity }: { severity: number }) {
  const { t } = useTranslation('parallel')
  return <StateTag tone={severityTones[severity] ?? 'neutral'} text={t(`severity.${severity}`)} />
}

type Translate = (key: string, values?: Record<string, unknown>) => string

/** Who was first and by how much. */
export function leadText(seconds: number, t: Translate): string {
  if (seconds === 0) return t('lead.same')
  return t(seconds > 0 ? 'lead.zabbix' : 'lead.we', { time: duration(Math.abs(seconds), t) })
}

export function duration(seconds: number, t: Translate): string {
  if (seconds < 60) return t('lead.seconds', { n: seconds })
  const minutes = Math.floor(seconds / 60)
  const rest = seconds % 60
  return rest ? t('lead.minutesSeconds', { m: minutes, s: rest }) : t('lead.minutes', { n: minutes })
}
