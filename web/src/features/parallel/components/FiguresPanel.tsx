import type { UseQueryResult } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useFilters } from '@/shared/lib/search'
import type { Comparison } from '../queries'
import { duration } from '../words'

/** The figures of the span, whatever the filters of the list. */
export function FiguresPanel({ query }: { query: UseQueryResult<Comparison> }) {
  const { t } = useTranslation('parallel')
  const [search, change] = useFilters<'side' | 'verdict'>()
  const f = query.data?.figures
  if (!f) return null
  const median = f.median_lead_seconds
  const tiles = [
    { key: 'zabbix_only', n: f.zabbix_only, side: 'zabbix_only', tone: f.zabbix_only > 0 ? 'critical' : '' },
    { key: 'open', n: f.open, side: undefined, tone: f.open > 0 ? 'critical' : '' },
    { key: 'both', n: f.both, side: 'both', tone: '' },
    { key: 'ours_only', n: f.ours_only, side: 'ours_only', tone: '' },
  ] as const
  return (
    <section className="panel parallel-figures" aria-label={t('figures.title')}>
      {tiles.map((tile) => {
        const open = tile.key === 'open'
        const active = open ? search.verdict === 'open' : search.side === tile.side
        return (
          <button
            key={tile.key}
            type="button"
            className={`parallel-figure${active ? ' active' : ''}`}
            aria-pressed={active}
            onClick={() =>
              open
                ? change({ verdict: active ? undefined : 'open' })
                : change({ side: active ? undefined : (tile.side as string) })
            }
          >
            <b className={tile.tone ? `is-${tile.tone}` : ''}>{tile.n}</b>
            <span className="soft">{t(`figures.${tile.key}`)}</span>
          </button>
        )
      })}
      <div className="parallel-figure">
        <b>
          {f.we_first} : {f.they_first}
        </b>
        <span className="soft">{t('figures.first')}</span>
      </div>
      <div className="parallel-figure">
        <b>{f.both === 0 ? '—' : duration(Math.abs(median), t)}</b>
        <span className="soft">
          {f.both === 0
            ? t('figures.median')
            : t(median > 0 ? 'figures.medianZabbix' : median < 0 ? 'figures.medianWe' : 'figures.medianSame')}
        </span>
      </div>
      <p className="meta parallel-total">
        {t('figures.total', { problems: f.problems, findings: f.findings, from: query.data?.from, to: query.data?.to })}
      </p>
    </section>
  )
}
