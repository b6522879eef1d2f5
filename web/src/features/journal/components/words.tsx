import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useOrgNames } from '@/shared/api/org'
import { formatTime } from '@/shared/lib/time'
import type { Row } from '../types'

/** The page of the console that shows a subject, for the kinds that have one. */
export function subjectPage(subject: Row['subject']): string | null {
  const id = encodeURIComponent(subject.id)
  switch (subject.kind) {
    case 'script.package':
      return `/inspect/scripts/${id}`
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
    case 'intake.run':
      return `/intake/runs/${id}`
    case 'approval.request':
      return `/approval/requests/${id}`
    default:
      return null
  }
}

export function Actor({ actor }: { actor: Row['actor'] }) {
  const { t } = useTranslation('parts')
  if (actor.kind === 'system') return <span className="muted">{t('person.system')}</span>
  return <>{actor.display_name || actor.id}</>
}

/** A subject as people call it: by its number where its row carries one, else by the end of its id. */
export function Subject({ row }: { row: Pick<Row, 'subject'> & Partial<Row> }) {
  const { subject, names } = row
  const { t, i18n } = useTranslation('journal')
  if (!subject.kind) return <span className="muted">—</span>
  const key = `subject.${subject.kind.replace(/\./g, '_')}`
  const word = i18n.exists(`journal:${key}`) ? t(key) : subject.kind
  const page = subjectPage(subject)
  const name = names?.[subject.id]
  const number = row.fields?.number
  const short = typeof number === 'string' ? number : subject.id.length > 13 ? `…${subject.id.slice(-8)}` : subject.id
  return (
    <span className="nowrap" title={`${subject.kind}:${subject.id}`}>
      {word}{' '}
      {page ? (
        <Link className="mono" to={page}>
          {short}
        </Link>
      ) : (
        (name ?? <span className="mono muted">{short}</span>)
      )}
    </span>
  )
}

/** What a subscription does, and what the logs call it. */
export function SubscriptionName({ name }: { name: string }) {
  const { t, i18n } = useTranslation('journal')
  const key = `subscription_name.${name.replace(/\./g, '_')}`
  return (
    <>
      {i18n.exists(`journal:${key}`) && t(key)} <code className="muted">{name}</code>
    </>
  )
}

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

/** Writes a field's value in one line: accounts by their names, instants in Beijing time, known words and places by their names. */
export function useFieldText(): (value: unknown, names: Row['names']) => string {
  const { t, i18n } = useTranslation('journal')
  const { areas, systems, areaName, systemName } = useOrgNames()
  const text = (value: unknown, names: Row['names']): string => {
    if (value === null || value === undefined || value === '') return '—'
    if (typeof value === 'string') {
      if (names[value]) return names[value]
      if (instant.test(value)) return formatTime(value, 'full')
      if (areas.some((area) => area.path === value)) return areaName(value)
      if (systems.some((system) => system.id === value)) return systemName(value)
      const key = `value.${value.replace(/\./g, '_')}`
      return i18n.exists(`journal:${key}`, { nsSeparator: ':' }) ? t(key) : value
    }
    if (typeof value === 'boolean') return t(value ? 'value.true' : 'value.false')
    if (typeof value === 'number') return String(value)
    if (Array.isArray(value)) return value.map((one) => part(one, names)).join(t('value.comma'))
    // What changed: each name with its value before and after.
    return Object.entries(value as Record<string, unknown>)
      .map(([name, inner]) =>
        Array.isArray(inner) && inner.length === 2
          ? `${name}: ${text(inner[0], names)} → ${text(inner[1], names)}`
          : `${name}: ${text(inner, names)}`,
      )
      .join('; ')
  }
  const part = (value: unknown, names: Row['names']): string =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.values(value as Record<string, unknown>)
          .filter((inner) => inner !== '' && inner !== null)
          .map((inner) => text(inner, names))
          .join(' ')
      : text(value, names)
  return text
}
