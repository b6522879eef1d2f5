import { DeleteOutlined, PlusOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Button, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { useMe } from '@/shared/api/me'
import { useOrgNames } from '@/shared/api/org'
import type { Grant } from '@/shared/api/types'
import { useLocalized } from '@/shared/lib/localized'
import { Notice } from '@/shared/ui/Notice'
import { conflicts, excludes } from '../duties'
import { rolesQuery } from '../queries'
import './grants.css'

interface Props {
  value?: Grant[]
  onChange?: (grants: Grant[]) => void
}

/** Role × area × system, one line each. Roles that exclude a chosen one cannot be picked in production. */
export function GrantsEditor({ value = [], onChange }: Props) {
  const { t } = useTranslation('access')
  const { title, name } = useLocalized()
  const me = useMe()
  const roles = useQuery(rolesQuery).data ?? []
  const { areas, systems } = useOrgNames()
  const strict = me?.mode === 'production'
  const rootArea = me?.installation.area_path ?? areas[0]?.path ?? ''
  const clashing = conflicts(value, roles)
  const roleTitle = (role: string) => {
    const found = roles.find((r) => r.role === role)
    return found ? title(found) : role
  }
  const set = (index: number, patch: Partial<Grant>) =>
    onChange?.(value.map((grant, i) => (i === index ? { ...grant, ...patch } : grant)))

  const roleOptions = (index: number) =>
    roles.map((role) => {
      const against = value.find((grant, i) => i !== index && excludes(grant.role, role.role, roles))
      return {
        value: role.role,
        label: title(role),
        disabled: strict && Boolean(against),
        reason: against ? t('grants.excludedBy', { role: roleTitle(against.role) }) : '',
      }
    })

  return (
    <div className="grants">
      {value.length > 0 && (
        <div className="grants-row grants-head" aria-hidden="true">
          <span>{t('grants.role')}</span>
          <span>{t('grants.area')}</span>
          <span>{t('grants.system')}</span>
          <span />
        </div>
      )}
      {value.map((grant, index) => (
        <div className="grants-row" key={index} role="group" aria-label={t('grants.line', { n: index + 1 })}>
          <Select
            value={grant.role || undefined}
            placeholder={t('grants.chooseRole')}
            aria-label={t('grants.role')}
            options={roleOptions(index)}
            popupMatchSelectWidth={280}
            optionRender={(option) => (
              <div className="row">
                <span className="grow">{option.label}</span>
                <span className="meta">{(option.data as { reason?: string }).reason}</span>
              </div>
            )}
            onChange={(role: string) => set(index, { role })}
          />
          <Select
            value={grant.area_path}
            aria-label={t('grants.area')}
            showSearch={{ optionFilterProp: 'label' }}
            popupMatchSelectWidth={false}
            options={areas.map((area) => ({ value: area.path, label: name(area) }))}
            onChange={(area_path: string) => set(index, { area_path })}
          />
          <Select
            value={grant.system_id}
            aria-label={t('grants.system')}
            popupMatchSelectWidth={false}
            options={[
              { value: '', label: t('grants.allSystems') },
              ...systems.map((system) => ({ value: system.id, label: name(system) })),
            ]}
            onChange={(system_id: string) => set(index, { system_id })}
          />
          <Button
            type="text"
            icon={<DeleteOutlined />}
            aria-label={t('grants.removeLine', { n: index + 1 })}
            onClick={() => onChange?.(value.filter((_, i) => i !== index))}
          />
        </div>
      ))}
      <Button
        icon={<PlusOutlined />}
        onClick={() => onChange?.([...value, { role: '', area_path: rootArea, system_id: '' }])}
      >
        {t('grants.add')}
      </Button>
      {clashing.length > 0 && (
        <Notice tone={strict ? 'critical' : 'warning'} title={t('grants.clashTitle')}>
          {clashing.map(([a, b]) => (
            <div key={`${a}+${b}`}>{t('grants.clash', { a: roleTitle(a), b: roleTitle(b) })}</div>
          ))}
          {!strict && <div>{t('grants.clashTrial')}</div>}
        </Notice>
      )}
    </div>
  )
}

/** Grants as one line each: role, where, on what. */
export function GrantList({ grants, max }: { grants: readonly Grant[]; max?: number }) {
  const { t } = useTranslation('access')
  const { title } = useLocalized()
  const roles = useQuery(rolesQuery).data ?? []
  const { areaName, systemName } = useOrgNames()
  if (grants.length === 0) return <span className="muted">{t('grants.none')}</span>
  const shown = max ? grants.slice(0, max) : grants
  return (
    <ul className="grant-list">
      {shown.map((grant) => {
        const role = roles.find((r) => r.role === grant.role)
        return (
          <li key={`${grant.role}|${grant.area_path}|${grant.system_id}`}>
            <span>{role ? title(role) : grant.role}</span>
            <span className="muted">
              {areaName(grant.area_path)}
              {grant.system_id ? ` · ${systemName(grant.system_id)}` : ''}
            </span>
          </li>
        )
      })}
      {max && grants.length > max && <li className="muted">{t('grants.more', { n: grants.length - max })}</li>}
    </ul>
  )
}
