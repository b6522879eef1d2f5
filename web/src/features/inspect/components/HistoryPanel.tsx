import { LineChartOutlined, TableOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Button, Segmented } from 'antd'
import { useCallback, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useLocalized } from '@/shared/lib/localized'
import { metricOf, showValue } from '@/shared/lib/measure'
import { useFilters } from '@/shared/lib/search'
import { formatTime } from '@/shared/lib/time'
import { EChart, type ChartColors } from '@/shared/ui/EChart'
import { StateView } from '@/shared/ui/StateView'
import { historyQuery, spans, type Span } from '../queries'
import type { History, Series } from '../types'
import { useMetricName, useMetricTitle } from '../words'
import { historyOption } from './historyOption'

type Shown = History & { from: number; to: number }

/** How a check's values and states went, over a span kept in the address. */
export function HistoryPanel({ checkId }: { checkId: string }) {
  const { t } = useTranslation('inspect')
  const [search, change] = useFilters<'span' | 'metric'>()
  const span: Span = search.span && search.span in spans ? (search.span as Span) : '24h'
  const query = useQuery(historyQuery(checkId, span))
  const [asTable, setAsTable] = useState(false)
  return (
    <section className="panel" aria-labelledby="history-title">
      <div className="panel-head">
        <h2 className="panel-title grow" id="history-title">
          {t('history.title')}
        </h2>
        <Button
          type="text"
          icon={asTable ? <LineChartOutlined /> : <TableOutlined />}
          aria-pressed={asTable}
          onClick={() => setAsTable(!asTable)}
        >
          {asTable ? t('history.asChart') : t('history.asTable')}
        </Button>
        <Segmented<Span>
          aria-label={t('history.span')}
          options={Object.keys(spans) as Span[]}
          value={span}
          onChange={(next) => change({ span: next === '24h' ? undefined : next })}
        />
      </div>
      <div className="panel-body">
        <StateView query={query} skeletonRows={6}>
          {(history) => (
            <HistoryBody
              history={history}
              metric={search.metric}
              onMetric={(metric) => change({ metric })}
              asTable={asTable}
            />
          )}
        </StateView>
      </div>
    </section>
  )
}

interface BodyProps {
  history: Shown
  metric?: string
  onMetric: (metric: string) => void
  asTable: boolean
}

function HistoryBody({ history, metric, onMetric, asTable }: BodyProps) {
  const { t } = useTranslation('inspect')
  const { english } = useLocalized()
  const metricName = useMetricName()
  const drawn = history.series.filter((one) => one.points.length > 0)
  // What is judged comes before what is only recorded.
  const metrics = [...new Set([...drawn.filter((s) => s.warn || s.crit), ...drawn].map((s) => metricOf(s.label)))]
  const chosen = metric && metrics.includes(metric) ? metric : metrics[0]
  const chosenName = useMetricTitle(chosen)
  const series = useMemo(() => drawn.filter((s) => metricOf(s.label) === chosen), [drawn, chosen])

  const option = useCallback(
    (colors: ChartColors) =>
      historyOption(
        {
          ...history,
          series,
          english,
          name: metricName,
          words: { warn: t('check.WARNING'), crit: t('check.CRITICAL') },
        },
        colors,
      ),
    [history, series, english, metricName, t],
  )

  if (drawn.length === 0 && history.states.length === 0) return <div className="chart-empty">{t('history.none')}</div>
  return (
    <div className="stack">
      {metrics.length > 1 && <MetricChips metrics={metrics} chosen={chosen} onMetric={onMetric} />}
      {asTable ? (
        <HistoryTable series={series} history={history} />
      ) : (
        <>
          <EChart option={option} height={280} label={t('history.label', { metric: chosenName })} />
          <p className="meta">{t('history.band')}</p>
        </>
      )}
    </div>
  )
}

interface ChipsProps {
  metrics: string[]
  chosen: string | undefined
  onMetric: (metric: string) => void
}

function MetricChips({ metrics, chosen, onMetric }: ChipsProps) {
  const { t } = useTranslation('inspect')
  const metricName = useMetricName()
  return (
    <div className="metric-chips" role="group" aria-label={t('history.metric')}>
      {metrics.map((one) => (
        <button
          key={one}
          type="button"
          className="metric-chip"
          title={one}
          aria-pressed={one === chosen}
          onClick={() => onMetric(one)}
        >
          {metricName(one)}
        </button>
      ))}
    </div>
  )
}

/** The same numbers in words, for who cannot see the chart. */
function HistoryTable({ series, history }: { series: Series[]; history: Shown }) {
  const metricName = useMetricName()
  const { t } = useTranslation('inspect')
  const { english } = useLocalized()
  const times = [...new Set(series.flatMap((one) => one.points.map((p) => p[0])))].sort((a, b) => b - a)
  const values = series.map((one) => new Map(one.points))
  return (
    <div className="history-table" tabIndex={0} role="region" aria-label={t('history.asTable')}>
      <table className="value-table">
        <thead>
          <tr>
            <th scope="col">{t('col.time')}</th>
            {series.map((one) => (
              <th key={one.label} scope="col" className="num">
                {metricName(one.label)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {times.map((ms) => (
            <tr key={ms}>
              <td>{formatTime(ms, 'full')}</td>
              {series.map((one, i) => (
                <td key={one.label} className="num">
                  {showValue(values[i]!.get(ms), one.uom, english)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <table className="value-table">
        <thead>
          <tr>
            <th scope="col">{t('col.state')}</th>
            <th scope="col">{t('history.from')}</th>
            <th scope="col">{t('history.to')}</th>
          </tr>
        </thead>
        <tbody>
          {[...history.states].reverse().map((s) => (
            <tr key={s.from}>
              <td>{t(s.state === 'NO_SOURCE' ? 'check.no_source' : `check.${s.state}`)}</td>
              <td>{formatTime(s.from, 'full')}</td>
              <td>{formatTime(s.to, 'full')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
