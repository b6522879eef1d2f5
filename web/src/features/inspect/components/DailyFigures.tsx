import { useTranslation } from 'react-i18next'
import type { DailyDetail } from '../types'

/** Cut, never rounded up: 100 % means all. */
export function share(part: number, whole: number): string {
  if (whole === 0) return '—'
  const tenths = Math.floor((1000 * part) / whole)
  return `${Math.floor(tenths / 10)}.${tenths % 10}%`
}

/** The figures of a health check, all from records. */
export function DailyFigures({ daily }: { daily: DailyDetail }) {
  const { t } = useTranslation('inspect')
  const f = daily.figures
  const cells: [string, string | number, string, boolean][] = [
    [t('check.CRITICAL'), f.critical, 'critical', f.critical > 0],
    [t('check.UNKNOWN'), f.unknown, 'unknown', f.unknown > 0],
    [t('check.WARNING'), f.warning, 'warning', f.warning > 0],
    [t('daily.missed'), f.since.missed, 'warning', f.since.missed > 0],
    [t('daily.gaps'), f.since.gap_rounds, 'warning', f.since.gap_rounds > 0],
    [t('daily.coverage'), share(f.since.ran, f.since.planned), 'ok', true],
    [t('daily.today'), share(f.today.ran, f.today.planned), 'ok', true],
    [t('daily.open'), f.open, 'warning', f.open > 0],
    [t('daily.overdue'), f.overdue, 'critical', f.overdue > 0],
    [t('daily.openedClosed'), `+${f.opened} / −${f.closed}`, 'ok', f.opened + f.closed > 0],
  ]
  return (
    <section className="panel figures" aria-label={t('daily.figures')}>
      {cells.map(([name, value, tone, says]) => (
        <div key={name} className={`figure figure-${tone}${says ? '' : ' figure-zero'}`}>
          <span className="figure-name">{name}</span>
          <span className="figure-value">{value}</span>
        </div>
      ))}
    </section>
  )
}
