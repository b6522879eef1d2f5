import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useOrgNames } from '@/shared/api/org'
import { useFilters } from '@/shared/lib/search'
import '../fleet.css'
import { treeQuery } from '../queries'

/** Where active assets lie: bureaus, and in each its systems. A press narrows the list. */
export function AssetTree() {
  const { t } = useTranslation('fleet')
  const { areas, areaName, systemName } = useOrgNames()
  const [search, change] = useFilters<'area_path' | 'system_id'>()
  const groups = useQuery(treeQuery).data ?? []
  const count = (area: string, system?: string) =>
    groups
      .filter((g) => g.area_path.startsWith(area) && (system === undefined || g.system_id === system))
      .reduce((sum, g) => sum + g.count, 0)
  const shown = areas.filter((a) => count(a.path) > 0)
  const systemsOf = (area: string) => [...new Set(groups.filter((g) => g.area_path === area).map((g) => g.system_id))]
  const at = (area?: string, system?: string) =>
    (search.area_path ?? '') === (area ?? '') && (search.system_id ?? '') === (system ?? '')
  const row = (label: string, n: number, area?: string, system?: string) => (
    <button
      type="button"
      aria-pressed={at(area, system)}
      onClick={() => change({ area_path: area, system_id: system })}
    >
      <span>{label}</span> <span className="n">{n}</span>
    </button>
  )
  return (
    <nav className="panel panel-body asset-tree no-print" aria-label={t('assets.tree')}>
      <ul>
        <li>{row(t('assets.treeAll'), count('/'))}</li>
        {shown.map((area) => (
          <li key={area.path}>
            {row(areaName(area.path), count(area.path), area.path)}
            <ul>
              {systemsOf(area.path).map((system) => (
                <li key={system}>
                  {row(
                    systemName(system),
                    groups
                      .filter((g) => g.area_path === area.path && g.system_id === system)
                      .reduce((sum, g) => sum + g.count, 0),
                    area.path,
                    system,
                  )}
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </nav>
  )
}
