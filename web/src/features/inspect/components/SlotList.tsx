import { useTranslation } from 'react-i18next'
import { formatTime } from '@/shared/lib/time'
import { Notice } from '@/shared/ui/Notice'
import { StateTag } from '@/shared/ui/StateTag'
import type { Ahead } from '../types'

/** The next slots of a plan and why each is there, with what is wrong with it before it ever runs. */
export function SlotList({ ahead }: { ahead: Ahead }) {
  const { t } = useTranslation('inspect')
  return (
    <div className="stack" aria-live="polite">
      {ahead.checks === 0 ? (
        <Notice tone="warning" title={t('timing.emptyTitle')}>
          {t('timing.emptyBody')}
        </Notice>
      ) : (
        <div className="meta">{t('timing.covers', { checks: ahead.checks, assets: ahead.assets })}</div>
      )}
      {ahead.missing.map((year) => (
        <Notice key={year} tone="critical">
          {t('timing.missing', { year })}
        </Notice>
      ))}
      {ahead.slots.length === 0 ? (
        <Notice tone="warning">{t('timing.never')}</Notice>
      ) : (
        <ol className="slots">
          {ahead.slots.map((slot) => (
            <li key={slot.at}>
              <span className="nowrap">{formatTime(slot.at, 'minute')}</span>
              <span className="soft">{t(`dayKind.${slot.day_kind}`)}</span>
              <span className="grow soft">
                {t(`why.${slot.why}`)}
                {slot.period && ` · ${slot.period}`}
                {slot.day_name && ` · ${slot.day_name}`}
              </span>
              {slot.provisional && <StateTag tone="warning" text={t('timing.provisional')} />}
            </li>
          ))}
        </ol>
      )}
    </div>
  )
}
