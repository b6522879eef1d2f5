import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Progress } from 'antd'
import { useTranslation } from 'react-i18next'
import { lastRoundQuery, plansQuery, type Round } from '@/shared/api/inspect'
import { useLocalized } from '@/shared/lib/localized'
import { StateBar, StateCounts } from '@/shared/ui/StateCounts'
import { CheckStateTag, StateTag } from '@/shared/ui/StateTag'
import { StateView } from '@/shared/ui/StateView'
import { Ago, Time } from '@/shared/ui/Time'

/** The last round in one strip, live while it runs. */
export function LastRound() {
  const { t } = useTranslation('home')
  const query = useQuery(lastRoundQuery)
  return (
    <section className="panel last-round" aria-label={t('lastRound')}>
      <StateView query={query} skeletonRows={1}>
        {(round) => (round ? <Strip round={round} /> : <p className="muted">{t('noRound')}</p>)}
      </StateView>
    </section>
  )
}

function Strip({ round }: { round: Round }) {
  const { t } = useTranslation('home')
  const next = useQuery(plansQuery).data?.find((plan) => plan.id === round.plan_id)
  const { pick } = useLocalized()
  const running = round.state === 'running'
  return (
    <>
      <div className="strip-what">
        <div className="meta">{t('lastRound')}</div>
        <div className="row" style={{ flexWrap: 'wrap' }}>
          {running ? (
            <StateTag tone="info" text={t('parts:round.running')} />
          ) : (
            <CheckStateTag state={round.worst_state || null} />
          )}
          <Link className="mono" to={`/inspect/rounds/${round.id}` as string}>
            {round.number}
          </Link>
          <span className="soft">{pick(round.plan_name, round.plan_name_en)}</span>
        </div>
      </div>
      <div className="strip-how">
        {running ? (
          <Progress
            percent={round.planned ? Math.floor((100 * round.ran) / round.planned) : 0}
            status="active"
            size="small"
            aria-label={t('parts:round.progress', { ran: round.ran, planned: round.planned })}
            format={() => `${round.ran} / ${round.planned}`}
          />
        ) : (
          <>
            <div className="row" style={{ flexWrap: 'wrap' }}>
              <StateCounts counts={round.counts} />
              {round.missed > 0 && (
                <span className="state-count is-warning">{t('parts:round.missed', { count: round.missed })}</span>
              )}
            </div>
            <StateBar counts={round.counts} left={round.missed} />
          </>
        )}
      </div>
      <dl className="strip-when">
        <div>
          <dt className="meta">{running ? t('started') : t('finished')}</dt>
          <dd>
            <Ago value={running ? round.started_at : round.finished_at} />
          </dd>
        </div>
        {next?.enabled && (
          <div>
            <dt className="meta">{t('next')}</dt>
            <dd>
              <Time value={next.next_due_at} format="clock" />
            </dd>
          </div>
        )}
      </dl>
    </>
  )
}
