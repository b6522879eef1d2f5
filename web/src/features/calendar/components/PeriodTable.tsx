import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '@/shared/lib/action'
import { Can } from '@/shared/lib/perm'
import { formatTime, serverNow } from '@/shared/lib/time'
import { ReasonModal } from '@/shared/ui/ReasonModal'
import { StateTag } from '@/shared/ui/StateTag'
import { module, removePeriod, type Period } from '../queries'

/** A whole day's end is shown as that day; any other moment with its time. */
export function lastDay(to: string): string {
  const text = formatTime(to, 'minute')
  return text.endsWith(' 00:00') ? formatTime(Date.parse(to) - 1, 'date') : text
}

export function firstDay(from: string): string {
  const text = formatTime(from, 'minute')
  return text.endsWith(' 00:00') ? text.slice(0, 10) : text
}

export function PeriodTable({ periods }: { periods: Period[] }) {
  const { t } = useTranslation('calendar')
  const [removing, setRemoving] = useState<Period>()
  const remove = useAction((reason: string) => removePeriod(removing!.id, reason), {
    module,
    success: t('period.removed'),
    quiet: true,
  })
  const now = serverNow()
  return (
    <section className="panel">
      <div className="panel-head">
        <h2 className="panel-title">{t('periods')}</h2>
        <span className="meta">{t('periodsHelp')}</span>
      </div>
      <div className="calendar-periods">
        <table>
          <thead>
            <tr>
              <th scope="col">{t('period.kind')}</th>
              <th scope="col">{t('period.name')}</th>
              <th scope="col">{t('period.from')}</th>
              <th scope="col">{t('period.to')}</th>
              <th scope="col">{t('period.source')}</th>
              <th scope="col">
                <span className="sr-only">{t('period.act')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {periods.map((p, i) => {
              const running = Date.parse(p.from) <= now && now < Date.parse(p.to)
              return (
                <tr key={p.id || `${p.kind}-${i}`} className={running ? 'period-now' : undefined}>
                  <td className="nowrap">{t(`periodKind.${p.kind}`)}</td>
                  <td>
                    <span className="row">
                      {p.name}
                      {running && <StateTag tone="info" text={t('period.now')} />}
                      {p.provisional && <StateTag tone="warning" text={t('provisional')} />}
                    </span>
                  </td>
                  <td className="nowrap">{firstDay(p.from)}</td>
                  <td className="nowrap">{lastDay(p.to)}</td>
                  <td className="soft">{p.source}</td>
                  <td className="nowrap">
                    {p.id && (
                      <Can perm="calendar.manage">
                        <Button type="link" size="small" onClick={() => setRemoving(p)}>
                          {t('period.remove')}
                        </Button>
                      </Can>
                    )}
                  </td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
      <ReasonModal
        open={removing !== undefined}
        title={t('period.removeTitle', { name: removing?.name })}
        body={t('period.removeBody')}
        okText={t('period.remove')}
        danger
        onOk={(reason) => remove.mutateAsync(reason)}
        onClose={() => setRemoving(undefined)}
      />
    </section>
  )
}
