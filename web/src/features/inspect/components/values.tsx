import { useTranslation } from 'react-i18next'
import type { Perf } from '@/shared/api/inspect'
import { useLocalized } from '@/shared/lib/localized'
import { gravityOf, rangeWords, showValue, stateOf, wellWords } from '@/shared/lib/measure'
import { CheckStateTag } from '@/shared/ui/StateTag'
import { useMetricName } from '../words'

/** The value that says most about a state: the gravest of those that are judged at all. */
export function keyValue(perfdata: Perf[] | undefined): Perf | undefined {
  if (!perfdata?.length) return undefined
  const judged = perfdata.filter((p) => p.warn || p.crit)
  return [...judged].sort((a, b) => gravityOf(stateOf(a)) - gravityOf(stateOf(b)))[0]
}

/** One value with the threshold that it crossed, or the range that it is well in: what stands there is true. */
export function KeyValue({ perfdata }: { perfdata: Perf[] | undefined }) {
  const { english } = useLocalized()
  const metricName = useMetricName()
  const perf = keyValue(perfdata)
  if (!perf) return <span className="muted">—</span>
  const state = stateOf(perf)
  const show = (n: number) => showValue(n, perf.uom, english)
  const limit = state === 'CRITICAL' ? perf.crit : perf.warn || perf.crit
  const tone = state === 'CRITICAL' ? 'critical' : state === 'WARNING' ? 'warning' : ''
  return (
    <span className="key-value" title={metricName(perf.label)}>
      <span className={tone ? `tone-${tone}` : undefined}>{show(perf.value)}</span>
      {limit && <span className="meta key-limit">{tone ? rangeWords(limit, show) : wellWords(limit, show)}</span>}
    </span>
  )
}

/** Every measured value with its thresholds, the gravest first. */
export function ValueTable({ perfdata }: { perfdata: Perf[] }) {
  const { t } = useTranslation('inspect')
  const metricName = useMetricName()
  const { english } = useLocalized()
  const rows = [...perfdata].sort((a, b) => gravityOf(stateOf(a)) - gravityOf(stateOf(b)))
  return (
    <table className="value-table">
      <thead>
        <tr>
          <th scope="col">{t('value.label')}</th>
          <th scope="col" className="num">
            {t('value.value')}
          </th>
          <th scope="col" className="num">
            {t('value.warn')}
          </th>
          <th scope="col" className="num">
            {t('value.crit')}
          </th>
          <th scope="col">{t('value.state')}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((perf) => {
          const show = (n: number) => showValue(n, perf.uom, english)
          return (
            <tr key={perf.label}>
              <td className="break" title={perf.label}>
                {metricName(perf.label)}
              </td>
              <td className="num">{show(perf.value)}</td>
              <td className="num soft">{rangeWords(perf.warn, show) || '—'}</td>
              <td className="num soft">{rangeWords(perf.crit, show) || '—'}</td>
              <td>
                {perf.warn || perf.crit ? (
                  <CheckStateTag state={stateOf(perf)} />
                ) : (
                  <span className="muted">{t('value.recorded')}</span>
                )}
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}
