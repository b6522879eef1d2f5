import type { EChartsCoreOption, EChartsType } from 'echarts/core'
import { useEffect, useRef, useState } from 'react'
import { effectiveTheme, usePrefs } from '@/shared/lib/prefs'

export interface ChartColors {
  text: string
  text2: string
  text3: string
  border: string
  panel: string
  brand: string
  critical: string
  warning: string
  ok: string
  series: string[]
}

function readColors(): ChartColors {
  const style = getComputedStyle(document.documentElement)
  const read = (name: string) => style.getPropertyValue(`--tx-${name}`).trim()
  return {
    text: read('text'),
    text2: read('text2'),
    text3: read('text3'),
    border: read('border'),
    panel: read('panel'),
    brand: read('brand'),
    critical: read('critical'),
    warning: read('warning'),
    ok: read('ok'),
    series: [1, 2, 3, 4, 5].map((n) => read(`series-${n}`)),
  }
}

interface Props {
  /** Makes the option from the colours of the present theme. Keep it stable with useCallback. */
  option: (colors: ChartColors) => EChartsCoreOption
  height: number
  /** What a person who cannot see the chart is told; the page also offers the numbers as a table. */
  label: string
}

/** A chart. The library is loaded with the first one shown. */
export function EChart({ option, height, label }: Props) {
  const host = useRef<HTMLDivElement>(null)
  const [chart, setChart] = useState<EChartsType>()
  const theme = effectiveTheme(usePrefs())

  useEffect(() => {
    let made: EChartsType | undefined
    let gone = false
    let observer: ResizeObserver | undefined
    void import('./echarts').then(({ init }) => {
      if (gone || !host.current) return
      made = init(host.current)
      observer = new ResizeObserver(() => made?.resize())
      observer.observe(host.current)
      setChart(made)
    })
    return () => {
      gone = true
      observer?.disconnect()
      made?.dispose()
      setChart(undefined)
    }
  }, [])

  useEffect(() => {
    if (!chart) return
    const colors = readColors()
    chart.setOption(
      {
        color: colors.series,
        textStyle: { fontFamily: 'inherit', color: colors.text2 },
        animation: false,
        ...option(colors),
      },
      { notMerge: true },
    )
  }, [chart, option, theme])

  return <div ref={host} className="echart" style={{ height }} role="img" aria-label={label} />
}
