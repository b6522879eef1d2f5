import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Asset } from '@/shared/api/fleet'
import { useOrgNames } from '@/shared/api/org'
import { StateView } from '@/shared/ui/StateView'
import { Time } from '@/shared/ui/Time'
import { assetHistoryQuery, type HistoryStep } from '../queries'

const words: Record<string, string> = {
  'fleet.asset.registered': 'registered',
  'fleet.asset.changed': 'changed',
  'fleet.asset.retired': 'retired',
  'fleet.link.added': 'linked',
  'fleet.link.removed': 'unlinked',
}

/** What happened to an asset, the latest first, each change with its values before and after. */
export function HistoryPanel({ asset }: { asset: Asset }) {
  const { t } = useTranslation('fleet')
  const query = useQuery(assetHistoryQuery(asset.id, asset.version))
  return (
    <section className="panel panel-body stack" aria-label={t('history.title')}>
      <h2 className="panel-title">{t('history.title')}</h2>
      <StateView
        query={query}
        isEmpty={(all) => all.length === 0}
        empty={<div className="meta">{t('history.none')}</div>}
      >
        {(steps) => (
          <ul className="timeline">
            {steps.map((step) => (
              <HistoryRow key={step.seq} step={step} />
            ))}
          </ul>
        )}
      </StateView>
    </section>
  )
}

function HistoryRow({ step }: { step: HistoryStep }) {
  const { t, i18n } = useTranslation('fleet')
  const { areaName, systemName } = useOrgNames()
  const name = (field: string) => (i18n.exists(`fleet:value.${field}`) ? t(`value.${field}`) : field)
  const show = (field: string, value: unknown): string => {
    if (value === null || value === undefined || value === '') return '—'
    if (Array.isArray(value)) return value.length > 0 ? value.join(', ') : '—'
    const text = String(value)
    if (field === 'area_path') return areaName(text)
    if (field === 'system_id') return systemName(text)
    const known = `parts:${field}.${text}`
    return i18n.exists(known) ? t(known) : text
  }
  return (
    <li>
      <div>
        <strong>{t(`history.${words[step.type] ?? 'changed'}`)}</strong>{' '}
        {step.link && `${t(`map.${step.link}`)} ${step.to_name}`}
        <span className="meta">
          {' '}
          <Time value={step.at} format="full" /> · {t('history.by', { who: step.actor_name || t('history.system') })}
          {step.source && ` · ${t('history.source', { number: step.source })}`}
        </span>
      </div>
      {step.reason && <div>{step.reason}</div>}
      {step.changes.map((c) => (
        <div key={c.name} style={{ overflowWrap: 'anywhere' }}>
          <span className="soft">{name(c.name)}</span>{' '}
          {step.type !== 'fleet.asset.registered' && (
            <>
              <del className="muted">{show(c.name, c.before)}</del> →{' '}
            </>
          )}
          {show(c.name, c.after)}
        </div>
      ))}
    </li>
  )
}
