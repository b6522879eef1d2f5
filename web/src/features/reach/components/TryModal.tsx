import { useQuery } from '@tanstack/react-query'
import { Button, Checkbox, Form, Modal } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '@/shared/lib/action'
import { useErrorText } from '@/shared/lib/errors'
import { AssetSelect } from '@/shared/ui/AssetSelect'
import { Notice } from '@/shared/ui/Notice'
import { acceptKey, addChecks, module, tryLogin, type Login, type Tried } from '../queries'

interface Props {
  login?: Login
  onClose: () => void
}

/**
 * Tries a login. A host whose key nobody accepted yet, or that shows another key, is shown with its fingerprints: a
 * person compares them on the host and accepts. When the login works, the host's checks can be added to an asset.
 */
export function TryModal({ login, onClose }: Props) {
  const { t } = useTranslation('reach')
  return (
    <Modal
      open={login !== undefined}
      title={t('try.title', { name: login?.name })}
      footer={null}
      onCancel={onClose}
      destroyOnHidden
      width={560}
    >
      {login && <Outcome key={`${login.id}.${login.version}`} login={login} onClose={onClose} />}
    </Modal>
  )
}

function Outcome({ login, onClose }: { login: Login; onClose: () => void }) {
  const { t } = useTranslation('reach')
  const errorText = useErrorText()
  const tried = useQuery({
    queryKey: ['reach.try', login.id, login.version],
    queryFn: () => tryLogin(login.id),
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
  })
  if (tried.isPending) return <p className="soft">{t('try.running', { address: `${login.host}:${login.port}` })}</p>
  if (tried.isError) return <Notice tone="critical">{errorText(tried.error)}</Notice>
  const said = tried.data
  if (said.ok) return <Works login={login} onClose={onClose} />
  if (said.offered) return <Key login={login} said={said} />
  return (
    <div className="stack">
      <Notice tone="warning">{said.text}</Notice>
      <div>
        <Button onClick={() => void tried.refetch()} loading={tried.isFetching}>
          {t('try.again')}
        </Button>
      </div>
    </div>
  )
}

function Key({ login, said }: { login: Login; said: Tried }) {
  const { t } = useTranslation('reach')
  const [compared, setCompared] = useState(false)
  const accept = useAction((fingerprint: string) => acceptKey(login, fingerprint), {
    module,
    success: t('try.accepted'),
  })
  const other = said.login !== login.name
  return (
    <div className="stack">
      <Notice tone={said.pinned ? 'critical' : 'warning'} title={t(said.pinned ? 'try.changed' : 'try.unknown')}>
        {t(said.pinned ? 'try.changedBody' : 'try.unknownBody')}
      </Notice>
      <dl className="facts">
        <dt>{t('try.host')}</dt>
        <dd className="mono">{said.login}</dd>
        <dt>{t('try.offered')}</dt>
        <dd className="mono" style={{ overflowWrap: 'anywhere' }}>
          {said.offered}
        </dd>
        {said.pinned && (
          <>
            <dt>{t('try.pinned')}</dt>
            <dd className="mono" style={{ overflowWrap: 'anywhere' }}>
              {said.pinned}
            </dd>
          </>
        )}
      </dl>
      {other ? (
        <p className="soft">{t('try.jumpFirst', { name: said.login })}</p>
      ) : (
        <>
          <p className="soft">
            {t('try.how')}{' '}
            <code className="mono">for k in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $k; done</code>
          </p>
          <Checkbox checked={compared} onChange={(event) => setCompared(event.target.checked)}>
            {t('try.compared')}
          </Checkbox>
          <div>
            <Button
              type="primary"
              danger={Boolean(said.pinned)}
              disabled={!compared}
              loading={accept.isPending}
              onClick={() => accept.mutate(said.offered)}
            >
              {t('try.accept')}
            </Button>
          </div>
        </>
      )}
    </div>
  )
}

function Works({ login, onClose }: { login: Login; onClose: () => void }) {
  const { t } = useTranslation('reach')
  const [asset, setAsset] = useState<string>()
  const [added, setAdded] = useState<number>()
  const add = useAction((assetID: string) => addChecks(login.id, assetID), {
    module: 'inspect',
    onDone: (result) => setAdded(result.added),
  })
  return (
    <div className="stack">
      <Notice tone="ok">{t('try.works')}</Notice>
      <Form layout="vertical" onFinish={() => asset && add.mutate(asset)}>
        <Form.Item label={t('try.asset')} extra={t('try.assetHelp')}>
          <AssetSelect label={t('try.asset')} width="100%" value={asset} onChange={setAsset} />
        </Form.Item>
        {added !== undefined && <p role="status">{t('try.added', { count: added })}</p>}
        <div className="row">
          <Button type="primary" htmlType="submit" disabled={!asset} loading={add.isPending}>
            {t('try.add')}
          </Button>
          <Button onClick={onClose}>{t('actions.close')}</Button>
        </div>
      </Form>
    </div>
  )
}
