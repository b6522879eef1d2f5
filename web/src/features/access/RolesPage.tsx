import { CheckOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { Permission, Role } from '@/shared/api/types'
import { useLocalized } from '@/shared/lib/localized'
import { Notice } from '@/shared/ui/Notice'
import { PageHeader } from '@/shared/ui/PageHeader'
import { StateView } from '@/shared/ui/StateView'
import { permissionsQuery, rolesQuery } from './queries'
import './roles.css'

/** Permissions are named module.resource.verb: the matrix groups them by module. */
function byModule(permissions: readonly Permission[]): [string, Permission[]][] {
  const groups = new Map<string, Permission[]>()
  for (const permission of permissions) {
    const module = permission.name.split('.')[0] ?? ''
    groups.set(module, [...(groups.get(module) ?? []), permission])
  }
  return Array.from(groups)
}

export default function RolesPage() {
  const { t } = useTranslation('access')
  const roles = useQuery(rolesQuery)
  const permissions = useQuery(permissionsQuery)
  return (
    <>
      <PageHeader title={t('roles.title')} meta={t('roles.meta')} />
      <div style={{ marginBottom: 12 }}>
        <Notice title={t('roles.dutiesTitle')}>{t('roles.dutiesText')}</Notice>
      </div>
      <section className="panel roles-panel">
        <StateView query={roles} skeletonRows={10}>
          {(roleList) => (
            <StateView query={permissions} skeletonRows={10}>
              {(permissionList) => <Matrix roles={roleList} permissions={permissionList} />}
            </StateView>
          )}
        </StateView>
      </section>
    </>
  )
}

function Matrix({ roles, permissions }: { roles: Role[]; permissions: Permission[] }) {
  const { t, i18n } = useTranslation('access')
  const { title } = useLocalized()
  const moduleTitle = (module: string) => (i18n.exists(`access:modules.${module}`) ? t(`modules.${module}`) : module)
  const roleTitle = (name: string) => {
    const role = roles.find((r) => r.role === name)
    return role ? title(role) : name
  }
  return (
    <div className="roles-scroll" tabIndex={0} role="region" aria-label={t('roles.title')}>
      <table className="roles-matrix">
        <thead>
          <tr>
            <th scope="col">{t('roles.permission')}</th>
            {roles.map((role) => (
              <th key={role.role} scope="col">
                <Link to="/access/accounts" search={{ role: role.role }} title={t('roles.showAccounts')}>
                  {title(role)}
                </Link>
              </th>
            ))}
          </tr>
        </thead>
        {byModule(permissions).map(([module, group]) => (
          <tbody key={module}>
            <tr className="roles-module">
              <th scope="rowgroup" colSpan={roles.length + 1}>
                {moduleTitle(module)}
              </th>
            </tr>
            {group.map((permission) => (
              <tr key={permission.name}>
                <th scope="row">
                  <span>{title(permission)}</span>
                  <code className="muted">{permission.name}</code>
                </th>
                {roles.map((role) => (
                  <td key={role.role}>
                    {role.permissions.includes(permission.name) ? (
                      <CheckOutlined aria-label={t('roles.yes')} />
                    ) : (
                      <span className="sr-only">{t('roles.no')}</span>
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        ))}
        <tbody>
          <tr className="roles-module">
            <th scope="rowgroup" colSpan={roles.length + 1}>
              {t('roles.duties')}
            </th>
          </tr>
          <tr className="roles-excludes">
            <th scope="row">{t('roles.excludes')}</th>
            {roles.map((role) => (
              <td key={role.role}>
                {role.excludes.map((other) => (
                  <div key={other}>{roleTitle(other)}</div>
                ))}
                {role.excludes.length === 0 && <span className="muted">—</span>}
              </td>
            ))}
          </tr>
        </tbody>
      </table>
    </div>
  )
}
