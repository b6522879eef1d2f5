import { CheckOutlined, ClockCircleOutlined, EyeOutlined, UserAddOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { Button, Input } from 'antd'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useOrgNames } from '@/shared/api/org'
import { useAction } from '@/shared/lib/action'
import { useKeys } from '@/shared/lib/keys'
import { useLocalized } from '@/shared/lib/localized'
import { Can, usePerm } from '@/shared/lib/perm'
import { PageHeader } from '@/shared/ui/PageHeader'
import { StateView } from '@/shared/ui/StateView'
import { CheckStateTag, checkTone } from '@/shared/ui/StateTag'
import { Ago, Time } from '@/shared/ui/Time'
import '@/shared/ui/detail.css'
import { AssignModal, PostponeModal, RepairModal } from './components/FindingActs'
import { FindingTimeline, stepOf } from './components/FindingTimeline'
import { Due, FindingMarks, FindingStateTag, SeverityTag } from './components/findingWords'
import { ResultDrawer } from './components/ResultDrawer'
import { ValueTable } from './components/values'
import './inspect.css'
import { commentFinding, findingQuery, module, seeFinding } from './queries'
import type { FindingDetail } from './types'

/** One finding: what is wrong, who has it, what was done, until a good result closes it. */
export default function FindingPage() {
  const { id } = useParams({ strict: false }) as { id: string }
  const query = useQuery(findingQuery(id))
  const found = query.data !== undefined
  useEffect(() => {
    // Noted once for each person by the server. That it could not be noted is no reason to disturb the reader.
    if (found) void seeFinding(id).catch(() => undefined)
  }, [id, found])
  return <StateView query={query}>{(finding) => <FindingView key={finding.id} finding={finding} />}</StateView>
}

function FindingView({ finding }: { finding: FindingDetail }) {
  const { t } = useTranslation('inspect')
  const { title } = useLocalized()
  const may = usePerm()('inspect.finding.handle')
  const [act, setAct] = useState<'assign' | 'postpone' | 'repair'>()
  const [result, setResult] = useState<string>()
  const closed = finding.state === 'closed'
  const canAssign = may && !closed
  const canRepair = may && finding.state === 'assigned'
  useKeys({ a: () => setAct('assign') }, canAssign)
  useKeys({ d: () => setAct('postpone'), f: () => setAct('repair') }, canRepair)

  return (
    <>
      <PageHeader
        title={title(finding)}
        above={
          <>
            <SeverityTag severity={finding.severity} />
            <span className="mono soft">{finding.number}</span>
            <FindingStateTag state={finding.state} />
            <FindingMarks finding={finding} />
          </>
        }
        actions={
          <>
            {canAssign && (
              <Button
                type={finding.state === 'open' ? 'primary' : 'default'}
                icon={<UserAddOutlined />}
                title={`${t('finding.assign')} (a)`}
                onClick={() => setAct('assign')}
              >
                {finding.assignee ? t('finding.reassign') : t('finding.assign')}
              </Button>
            )}
            {canRepair && (
              <>
                <Button
                  icon={<ClockCircleOutlined />}
                  title={`${t('finding.postpone')} (d)`}
                  onClick={() => setAct('postpone')}
                >
                  {t('finding.postpone')}
                </Button>
                <Button
                  type="primary"
                  icon={<CheckOutlined />}
                  title={`${t('finding.repair')} (f)`}
                  onClick={() => setAct('repair')}
                >
                  {t('finding.repair')}
                </Button>
              </>
            )}
          </>
        }
      />
      <div className="split">
        <div className="stack">
          <Now finding={finding} onResult={setResult} />
          <section className="panel" aria-labelledby="timeline-title">
            <div className="panel-head">
              <h2 className="panel-title" id="timeline-title">
                {t('finding.timeline')}
              </h2>
            </div>
            <div className="panel-body">
              <FindingTimeline entries={finding.timeline} onResult={setResult} />
            </div>
            <Can perm="inspect.finding.handle">
              <CommentBox id={finding.id} />
            </Can>
          </section>
        </div>
        <Facts finding={finding} />
      </div>
      <AssignModal finding={finding} open={act === 'assign'} onClose={() => setAct(undefined)} />
      <PostponeModal finding={finding} open={act === 'postpone'} onClose={() => setAct(undefined)} />
      <RepairModal finding={finding} open={act === 'repair'} onClose={() => setAct(undefined)} />
      <ResultDrawer id={result} onClose={() => setResult(undefined)} />
    </>
  )
}

function Now({ finding, onResult }: { finding: FindingDetail; onResult: (id: string) => void }) {
  const { t } = useTranslation('inspect')
  const closed = finding.state === 'closed'
  const state = finding.check_state || finding.result?.state || null
  const tone = checkTone(state, finding.result?.reason)
  return (
    <section className="panel" aria-label={t('finding.now')}>
      <div className={`big-state big-${tone}`} style={{ borderRadius: '8px 8px 0 0' }}>
        <div>
          <div className="big-state-word">{state ? t(`check.${state}`) : t('check.none')}</div>
          <div className="meta">{t('finding.now')}</div>
        </div>
        <div className="stack" style={{ gap: 4 }}>
          <div className="big-state-text">{finding.result?.summary ?? finding.summary}</div>
          <div className="closing-note">
            {closed
              ? t('finding.closedNote')
              : finding.state === 'repaired'
                ? t('finding.repairedNote')
                : t('finding.closingNote')}
          </div>
        </div>
      </div>
      {finding.result && (
        <>
          {finding.result.perfdata.length > 0 && <ValueTable perfdata={finding.result.perfdata} />}
          <div className="panel-body row" style={{ paddingBlock: 8 }}>
            <span className="meta grow">
              {t('finding.lastResult')} <Time value={finding.result.ran_at} format="full" />
            </span>
            <Button size="small" onClick={() => onResult(finding.result!.id)}>
              {t('finding.showResult')}
            </Button>
          </div>
        </>
      )}
    </section>
  )
}

function CommentBox({ id }: { id: string }) {
  const { t } = useTranslation('inspect')
  const [text, setText] = useState('')
  const send = useAction(() => commentFinding(id, text.trim()), {
    module,
    success: t('finding.commented'),
    onDone: () => setText(''),
  })
  return (
    <form
      className="comment-box no-print"
      onSubmit={(event) => {
        event.preventDefault()
        if (text.trim()) send.mutate(undefined)
      }}
    >
      <Input.TextArea
        aria-label={t('finding.comment')}
        placeholder={t('finding.commentPlaceholder')}
        autoSize={{ minRows: 1, maxRows: 8 }}
        maxLength={4000}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && text.trim()) send.mutate(undefined)
        }}
      />
      <Button htmlType="submit" loading={send.isPending} disabled={!text.trim()}>
        {t('finding.comment')}
      </Button>
    </form>
  )
}

function Facts({ finding }: { finding: FindingDetail }) {
  const { t } = useTranslation('inspect')
  const { areaName, systemName } = useOrgNames()
  const seen = finding.timeline.filter((entry) => stepOf(entry.type) === 'seen')
  return (
    <aside className="stack">
      <section className="panel panel-body">
        <dl className="facts-narrow">
          <div>
            <dt>{t('finding.assignee')}</dt>
            <dd>{finding.assignee?.display_name ?? <span className="muted">{t('parts:person.none')}</span>}</dd>
          </div>
          <div>
            <dt>{t('finding.due')}</dt>
            <dd>
              <Due finding={finding} />
              {finding.due_at && (
                <span className="meta">
                  {' '}
                  <Time value={finding.due_at} format="minute" />
                </span>
              )}
            </dd>
          </div>
          <div>
            <dt>{t('finding.opened')}</dt>
            <dd>
              <Time value={finding.opened_at} format="full" />{' '}
              <span className="meta">
                (<Ago value={finding.opened_at} />)
              </span>
            </dd>
          </div>
          <div>
            <dt>{t('finding.lastSeen')}</dt>
            <dd>
              <Time value={finding.last_seen_at} format="full" />
              <span className="meta"> {t('finding.seenTimes', { count: finding.seen_count })}</span>
            </dd>
          </div>
          {finding.closed_at && (
            <div>
              <dt>{t('finding.closedAt')}</dt>
              <dd>
                <Time value={finding.closed_at} format="full" />
              </dd>
            </div>
          )}
          <div>
            <dt>{t('col.check')}</dt>
            <dd className="row">
              <Link to={`/inspect/checks/${finding.check_id}` as string}>{t('finding.toCheck')}</Link>
              <CheckStateTag state={finding.check_state || null} />
            </dd>
          </div>
          <div>
            <dt>{t('col.asset')}</dt>
            <dd>
              <Link to={`/fleet/assets/${finding.asset_id}` as string}>{finding.asset_name}</Link>
            </dd>
          </div>
          <div>
            <dt>{t('col.class')}</dt>
            <dd>{t(`parts:class.${finding.class}`)}</dd>
          </div>
          <div>
            <dt>{t('col.place')}</dt>
            <dd>
              {areaName(finding.area_path)}
              {finding.system_id && ` · ${systemName(finding.system_id)}`}
            </dd>
          </div>
          {finding.previous_id && (
            <div>
              <dt>{t('finding.previous')}</dt>
              <dd>
                <Link to={`/inspect/findings/${finding.previous_id}` as string}>{t('finding.view')}</Link>
              </dd>
            </div>
          )}
        </dl>
      </section>
      <section className="panel panel-body stack" style={{ gap: 8 }}>
        <h2 className="panel-title">
          <EyeOutlined /> {t('finding.seenBy')} <span className="muted">{seen.length}</span>
        </h2>
        {seen.length === 0 ? (
          <span className="muted">{t('finding.seenByNobody')}</span>
        ) : (
          seen.map((entry) => (
            <div key={entry.seq} className="row">
              <span className="grow">{entry.actor.display_name || t('parts:person.erased')}</span>
              <span className="meta">
                <Time value={entry.at} />
              </span>
            </div>
          ))
        )}
      </section>
    </aside>
  )
}
