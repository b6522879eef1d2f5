import { Button, Modal } from 'antd'
import { useTranslation } from 'react-i18next'
import type { Invitation } from '@/shared/api/types'
import { CopyText } from '@/shared/ui/CopyText'
import { Time } from '@/shared/ui/Time'

export interface ShownInvitation extends Invitation {
  display_name: string
}

/** Shows an invitation link, which the server tells once and never again. */
export function InvitationModal({ invitation, onClose }: { invitation?: ShownInvitation; onClose: () => void }) {
  const { t } = useTranslation('access')
  return (
    <Modal
      open={invitation !== undefined}
      title={t('invitation.title', { name: invitation?.display_name })}
      footer={<Button onClick={onClose}>{t('invitation.kept')}</Button>}
      onCancel={onClose}
      mask={{ closable: false }}
      keyboard={false}
      width={520}
      destroyOnHidden
    >
      {invitation && (
        <div className="stack" style={{ paddingTop: 8 }}>
          <p className="soft">{t('invitation.text')}</p>
          <CopyText text={invitation.invitation_url} primary />
          <p className="meta">
            {t('invitation.expires')} <Time value={invitation.expires_at} format="minute" />
          </p>
        </div>
      )}
    </Modal>
  )
}
