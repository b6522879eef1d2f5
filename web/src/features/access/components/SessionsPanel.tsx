import { DesktopOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Button } from 'antd'
import { useTranslation } from 'react-i18next'
import { useAction } from '@/shared/lib/action'
import { StateView } from '@/shared/ui/StateView'
import { Ago, Time } from '@/shared/ui/Time'
import { endSession, module, sessionsQuery } from '../queries'
import { describeAgent } from '../userAgent'

/** Where this account is signed in, with a way to end what one does not know. */
export function SessionsPanel() {
  const { t } = useTranslation('access')
  const query = useQuery(sessionsQuery)
  const end = useAction(endSession, { module, success: t('sessions.ended') })
  return (
    <section className="panel">
      <div className="panel-head">
        <h2 className="panel-title">{t('sessions.title')}</h2>
        {query.data && <span className="muted">{query.data.length}</span>}
      </div>
      <StateView query={query} skeletonRows={3}>
        {(sessions) => (
          <div>
            {sessions.map((session) => (
              <div className="session-row" key={session.id}>
                <DesktopOutlined className="muted" style={{ fontSize: 16 }} />
                <div className="grow">
                  <div className="row">
                    <span title={session.user_agent}>{describeAgent(session.user_agent) || t('sessions.unknown')}</span>
                    <span className="mono soft">{session.remote}</span>
                  </div>
                  <div className="meta">
                    {t('sessions.since')} <Time value={session.created_at} /> · {t('sessions.seen')}{' '}
                    <Ago value={session.last_seen_at} />
                  </div>
                </div>
                {session.current ? (
                  <span className="soft nowrap">{t('sessions.current')}</span>
                ) : (
                  <Button
                    loading={end.isPending && end.variables === session.id}
                    onClick={() => end.mutate(session.id)}
                    aria-label={`${t('sessions.end')} ${session.remote}`}
                  >
                    {t('sessions.end')}
                  </Button>
                )}
              </div>
            ))}
          </div>
        )}
      </StateView>
    </section>
  )
}
