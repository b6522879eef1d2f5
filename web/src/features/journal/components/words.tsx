import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { formatTime } from '@/shared/lib/time'
import type { Row } from '../types'

/** The page of the console that shows a subject, for the kinds that have one. */
export function subjectPage(subject: Row['subject']): string | null {
  const id = encodeURIComponent(subject.id)
  switch (subject.kind) {
    case 'inspect.check':
      return `/inspect/checks/${id}`
    case 'inspect.plan':
      return `/inspect/plans/${id}`
    case 'inspect.round':
      return `/inspect/rounds/${id}`
    case 'inspect.finding':
      return `/inspect/findings/${id}`
    case 'fleet.asset':
      return `/fleet/assets/${id}`
    default:
      return null
  }
}

export function Actor({ actor }: { actor: Row['actor'] }) {
  const { t } = useTranslation('parts')
  if (actor.kind === 'system') return <span className="muted">{t('person.system')}</span>
  return <>{actor.display_name || actor.id}</>
}

export function Subject({ subject }: { subject: Row['subject'] }) {
  const { t, i18n } = useTranslation('journal')
  if (!subject.kind) return <span className="muted">—</span>
  const key = `subject.${subject.kind.replace(/\./g, '_')}`
  const word = i18n.exists(`journal:${key}`) ? t(key) : subject.kind
  const page = subjectPage(subject)
  const short = subject.id.length > 13 ? `…${subject.id.slice(-8)}` : subject.id
  return (
    <span className="nowrap" title={`${subject.kind}:${subject.id}`}>
      {word}{' '}
      {page ? (
        <Link className="mono" to={page}>
          {short}
        </Link>
      ) : (
        <span className="mono muted">{short}</span>
      )}
    </span>
  )
}

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

/** A field's value in one line; instants in Beijing time. */
export function fieldText(value: unknown): string {
  if (value === null || value === undefined || value === '') return '—'
  if (typeof value === 'string') return instant.test(value) ? formatTime(value, 'full') : value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return value.map(fieldText).join(' → ')
  return Object.entries(value as Record<string, unknown>)
    .map(([key, inner]) => `${key}: ${fieldText(inner)}`)
    .join('; ')
}
