import { Link } from '@tanstack/react-router'
import { Popover } from 'antd'
import { useTranslation } from 'react-i18next'
import { useMe } from '@/shared/api/me'
import { Can } from '@/shared/lib/perm'

/** A trial installation says so on every page: nothing recorded on it counts as evidence. */
export function TrialMark() {
  const { t } = useTranslation()
  const me = useMe()
  if (me?.mode !== 'trial') return null
  return (
    <Popover
      placement="bottomLeft"
      trigger={['hover', 'focus', 'click']}
      content={
        <div style={{ maxWidth: 280 }}>
          <p>{t('trial.hint')}</p>
          <Can perm="access.production.declare">
            <p style={{ marginTop: 8 }}>
              <Link to="/access/production">{t('trial.action')}</Link>
            </p>
          </Can>
        </div>
      }
    >
      <button type="button" className="trial-mark">
        {t('trial.mark')}
      </button>
    </Popover>
  )
}
