import { Link, useMatches } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { navEntryOf } from './features'

/** Group / menu entry / page. */
export function Breadcrumb() {
  const { t } = useTranslation()
  const last = useMatches({ select: (matches) => matches[matches.length - 1] })
  const entry = last ? navEntryOf(last.pathname.replace(/(.)\/$/, '$1')) : undefined
  const crumb = last?.staticData.crumb
  const here = crumb ? t(crumb) : entry ? t(entry.label) : ''
  return (
    <nav aria-label={t('header.breadcrumb')} className="breadcrumb">
      <ol>
        {entry && <li className="muted">{t(`nav.groups.${entry.group}`)}</li>}
        {entry && crumb && (
          <li>
            <Link to={entry.to as never}>{t(entry.label)}</Link>
          </li>
        )}
        <li aria-current="page">{here}</li>
      </ol>
    </nav>
  )
}
