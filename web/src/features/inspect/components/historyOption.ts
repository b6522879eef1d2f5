import type { EChartsCoreOption } from 'echarts/core'
import { bounds, showValue } from '@/shared/lib/measure'
import { shanghai } from '@/shared/lib/time'
import type { ChartColors } from '@/shared/ui/EChart'
import type { Series, Stretch } from '../types'

/** The library knows the browser's zone and UTC only: Beijing time is UTC moved by eight hours. */
const zoneMs = 8 * 3_600_000
const moved = (ms: number) => ms + zoneMs

export interface HistoryView {
  series: Series[]
  states: Stretch[]
  from: number
  to: number
  english: boolean
  /** What a measured value is called. */
  name: (label: string) => string
  words: { warn: string; crit: string }
}

type Point = [number, number | null]

/** A line is broken where results are missing, rather than drawn across what nobody measured. */
export function brokenAtGaps(points: [number, number][]): Point[] {
  if (points.length < 3) return points
  const steps = points.slice(1).map((p, i) => p[0] - points[i]![0])
  const usual = [...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)]!
  const out: Point[] = []
  points.forEach((point, i) => {
    if (i > 0 && steps[i - 1]! > usual * 3.5) out.push([points[i - 1]![0] + usual, null])
    out.push(point)
  })
  return out
}

export function stateColor(state: Stretch['state'], colors: ChartColors): string {
  switch (state) {
    case 'OK':
      return colors.ok
    case 'WARNING':
      return colors.warning
    case 'CRITICAL':
      return colors.critical
    case 'UNKNOWN':
      return colors.series[3]!
    case 'NO_SOURCE':
      return colors.border
  }
}

/** The average of each span when points were left out, else the points themselves. */
export function lineOf(one: Series): Point[] {
  const band = one.band ?? []
  return brokenAtGaps(band.length > 0 ? band.map(([ms, , average]) => [ms, average]) : one.points)
}

/** From the lowest to the highest of each span, as two areas of which the lower one is not seen. */
function bandSeries(one: Series, color: string) {
  const band = one.band ?? []
  if (band.length === 0) return []
  const area = (kind: string, data: Point[], opacity: number) => ({
    name: `${hidden}${kind}${one.label}`,
    type: 'line',
    xAxisIndex: 0,
    yAxisIndex: 0,
    stack: one.label,
    stackStrategy: 'all',
    silent: true,
    symbol: 'none',
    lineStyle: { opacity: 0 },
    areaStyle: { color, opacity },
    data: data.map(([ms, value]) => [moved(ms), value]),
  })
  return [
    area('low', brokenAtGaps(band.map(([ms, low]) => [ms, low])), 0),
    area('span', brokenAtGaps(band.map(([ms, low, , high]) => [ms, high - low])), 0.18),
  ]
}

/** Names of what is drawn and has no line in the legend or the tip. */
const hidden = '\u0000'

const bandHeight = 14

/** The next round number above the highest value or threshold, so that the axis ends on a label. */
export function niceMax(top: number, uom: string): number {
  if (uom === '%' && top <= 100 && top > 80) return 100
  const rough = top / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough) ?? 10 * power
  return Number((Math.ceil((top * 1.02) / step) * step).toPrecision(6))
}

/** Values above with their threshold lines, the states as a band below, on one time axis. */
export function historyOption(view: HistoryView, colors: ChartColors): EChartsCoreOption {
  const { series, states, from, to, english, name, words } = view
  const uom = series[0]?.uom ?? ''
  const show = (n: number) => showValue(n, uom, english)
  const lines = new Map<string, { yAxis: number; color: string; name: string }>()
  for (const one of series) {
    for (const n of bounds(one.warn)) lines.set(`w${n}`, { yAxis: n, color: colors.warning, name: words.warn })
    for (const n of bounds(one.crit)) lines.set(`c${n}`, { yAxis: n, color: colors.critical, name: words.crit })
  }
  const hours = (to - from) / 3_600_000
  const form = hours > 2400 ? 'YYYY-MM-DD' : hours > 36 ? 'MM-DD HH:mm' : 'HH:mm'
  const stamp = (ms: number) => shanghai(ms).format(form)
  const axis = {
    type: 'time',
    min: moved(from),
    max: moved(to),
    splitNumber: 6,
    axisTick: { show: false },
    splitLine: { show: false },
  }
  const limits = [...lines.values()].map((line) => line.yAxis)
  const values = series.flatMap((one) => one.points.map((p) => p[1]))
  const top = Math.max(...values, ...limits.filter((n) => n <= 4 * Math.max(...values, 1e-9)), 0)

  return {
    useUTC: true,
    grid: [
      { left: 64, right: 20, top: series.length > 1 ? 36 : 16, bottom: 58 },
      {
        left: 64,
        right: 20,
        height: bandHeight,
        bottom: 12,
        show: true,
        backgroundColor: colors.border,
        borderWidth: 0,
      },
    ],
    legend:
      series.length > 1
        ? {
            type: 'scroll',
            data: series.map((one) => name(one.label)),
            top: 0,
            left: 52,
            textStyle: { color: colors.text2 },
            itemWidth: 14,
            itemHeight: 3,
            icon: 'rect',
          }
        : undefined,
    tooltip: {
      trigger: 'axis',
      confine: true,
      backgroundColor: colors.panel,
      borderColor: colors.border,
      textStyle: { color: colors.text, fontSize: 12 },
      axisPointer: { lineStyle: { color: colors.text3 } },
      formatter: (items: { seriesName: string; value: Point; marker: string; seriesType: string }[]) => {
        const drawn = items.filter(
          (item) => item.seriesType === 'line' && item.value[1] !== null && !item.seriesName.startsWith(hidden),
        )
        if (drawn.length === 0) return ''
        const head = shanghai(drawn[0]!.value[0] - zoneMs).format('YYYY-MM-DD HH:mm:ss')
        return [
          head,
          ...drawn.map((item) => `${item.marker}${escapeHtml(item.seriesName)}  ${show(item.value[1]!)}`),
        ].join('<br>')
      },
    },
    xAxis: [
      {
        ...axis,
        gridIndex: 0,
        axisLine: { lineStyle: { color: colors.border } },
        axisLabel: {
          color: colors.text3,
          hideOverlap: true,
          formatter: (ms: number) => stamp(ms - zoneMs),
        },
      },
      { ...axis, gridIndex: 1, axisLine: { show: false }, axisLabel: { show: false } },
    ],
    yAxis: [
      {
        gridIndex: 0,
        type: 'value',
        scale: Math.min(...values) > top / 2 && limits.length === 0,
        max: limits.length > 0 && top > 0 ? niceMax(top, uom) : undefined,
        splitNumber: 4,
        axisLabel: { color: colors.text3, formatter: show },
        splitLine: { lineStyle: { color: colors.border } },
      },
      { gridIndex: 1, type: 'value', min: 0, max: 1, show: false },
    ],
    series: [
      ...series.map((one, i) => ({
        name: name(one.label),
        type: 'line',
        xAxisIndex: 0,
        yAxisIndex: 0,
        showSymbol: one.points.length < 40,
        color: colors.series[i % colors.series.length],
        symbolSize: 4,
        sampling: 'lttb',
        lineStyle: { width: 1.6 },
        data: lineOf(one).map(([ms, value]) => [moved(ms), value]),
        markLine:
          i === 0 && lines.size > 0
            ? {
                symbol: 'none',
                silent: true,
                animation: false,
                data: [...lines.values()].map((line) => ({
                  yAxis: line.yAxis,
                  lineStyle: { color: line.color, type: 'dashed', width: 1 },
                  label: { position: 'insideEndTop', color: line.color, formatter: `${line.name} ${show(line.yAxis)}` },
                })),
              }
            : undefined,
      })),
      ...series.flatMap((one, i) => bandSeries(one, colors.series[i % colors.series.length]!)),
      {
        name: 'states',
        type: 'custom',
        xAxisIndex: 1,
        yAxisIndex: 1,
        silent: true,
        clip: true,
        encode: { x: [0, 1], y: 2 },
        data: states.map((s) => [
          moved(Math.max(from, Date.parse(s.from))),
          moved(Math.min(to, Date.parse(s.to))),
          0.5,
          s.state,
        ]),
        renderItem: (
          params: { coordSys: { y: number; height: number } },
          item: { value: (i: number) => number; coord: (p: number[]) => number[]; ordinalRawValue?: unknown },
        ) => {
          const left = item.coord([item.value(0), 0])[0]!
          const right = item.coord([item.value(1), 0])[0]!
          const at = states[(params as unknown as { dataIndex: number }).dataIndex]
          return {
            type: 'rect',
            shape: {
              x: left,
              y: params.coordSys.y,
              width: Math.max(1.5, right - left - 1),
              height: params.coordSys.height,
              r: 2,
            },
            style: { fill: at ? stateColor(at.state, colors) : colors.border, opacity: at?.state === 'OK' ? 0.55 : 1 },
          }
        },
      },
    ],
  }
}

function escapeHtml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
}
