import { Tooltip } from 'antd'
import { useTranslation } from 'react-i18next'
import { liveState } from '@/shared/lib/live'
import { useStore } from '@/shared/lib/store'

/** Whether the page follows the server: a quiet dot while it does, a word in colour when it does not. */
export function LiveMark() {
  const { t } = useTranslation()
  const state = useStore(liveState)
  return (
    <Tooltip title={state === 'offline' ? t('live.offlineHint') : t('live.hint')}>
      <span className={`live-mark live-${state}`} role="status">
        {t(`live.${state}`)}
      </span>
    </Tooltip>
  )
}
