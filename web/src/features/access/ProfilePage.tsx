import { useQuery } from '@tanstack/react-query'
import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { meQuery } from '@/shared/api/me'
import { PageHeader } from '@/shared/ui/PageHeader'
import { StateTag } from '@/shared/ui/StateTag'
import { StateView } from '@/shared/ui/StateView'
import './access.css'
import { GrantList } from './components/GrantsEditor'
import { PasswordModal } from './components/PasswordModal'
import { SessionsPanel } from './components/SessionsPanel'
import { TotpDisableModal, TotpEnrolModal } from './components/TotpModals'

/** What everybody may change about their own account. */
export default function ProfilePage() {
  const { t } = useTranslation('access')
  const query = useQuery(meQuery)
  const [dialog, setDialog] = useState<'password' | 'enrol' | 'disable'>()
  const close = () => setDialog(undefined)
  return (
    <>
      <PageHeader title={t('profile.title')} />
      <StateView query={query}>
        {(me) => (
          <div className="profile-grid">
            <div className="stack">
              <section className="panel">
                <div className="panel-head">
                  <h2 className="panel-title">{t('profile.account')}</h2>
                </div>
                <dl className="facts panel-body">
                  <dt>{t('account.displayName')}</dt>
                  <dd>{me.account.display_name}</dd>
                  <dt>{t('signIn.login')}</dt>
                  <dd className="mono">{me.account.login}</dd>
                  <dt>{t('grants.title')}</dt>
                  <dd>
                    <GrantList grants={me.roles} />
                  </dd>
                  <dt>{t('profile.installation')}</dt>
                  <dd>{me.installation.name}</dd>
                  <dt>{t('profile.fingerprint')}</dt>
                  <dd>
                    <code className="break">{me.installation.fingerprint}</code>
                  </dd>
                </dl>
              </section>
              <section className="panel">
                <div className="panel-head">
                  <h2 className="panel-title">{t('profile.security')}</h2>
                </div>
                <div className="session-row">
                  <div className="grow">
                    <div>{t('signIn.password')}</div>
                    <div className="meta">{t('profile.passwordHelp')}</div>
                  </div>
                  <Button onClick={() => setDialog('password')}>{t('profile.changePassword')}</Button>
                </div>
                <div className="session-row">
                  <div className="grow">
                    <div className="row">
                      {t('account.totp')}
                      <StateTag
                        tone={me.account.totp_enabled ? 'quiet' : 'warning'}
                        text={me.account.totp_enabled ? t('account.totpOn') : t('account.totpOff')}
                      />
                    </div>
                    <div className="meta">{t('profile.totpHelp')}</div>
                  </div>
                  {me.account.totp_enabled ? (
                    <Button onClick={() => setDialog('disable')}>{t('profile.totpDisable')}</Button>
                  ) : (
                    <Button onClick={() => setDialog('enrol')}>{t('profile.totpEnable')}</Button>
                  )}
                </div>
              </section>
            </div>
            <SessionsPanel />
            <PasswordModal open={dialog === 'password'} login={me.account.login} onClose={close} />
            <TotpEnrolModal open={dialog === 'enrol'} onClose={close} />
            <TotpDisableModal open={dialog === 'disable'} onClose={close} />
          </div>
        )}
      </StateView>
    </>
  )
}
