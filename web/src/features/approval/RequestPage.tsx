import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { Button, Form, Input, Radio } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMe } from '@/shared/api/me'
import { useOrgNames } from '@/shared/api/org'
import { useAction } from '@/shared/lib/action'
import { useLocalized } from '@/shared/lib/localized'
import { usePerm } from '@/shared/lib/perm'
import { formatTime, serverNow } from '@/shared/lib/time'
import { Notice } from '@/shared/ui/Notice'
import { PageHeader } from '@/shared/ui/PageHeader'
import { ReasonModal } from '@/shared/ui/ReasonModal'
import { StateView } from '@/shared/ui/StateView'
import { Time } from '@/shared/ui/Time'
import '@/shared/ui/detail.css'
import { decide, module, requestQuery, withdraw, type Decision, type Request } from './queries'
import { RequestState } from './words'

/** One matter: what is asked, by whom and why; who decides does it here. */
export default function RequestPage() {
  const { id } = useParams({ strict: false }) as { id: string }
  const query = useQuery(requestQuery(id))
  return <StateView query={query}>{(request) => <RequestView key={request.version} request={request} />}</StateView>
}

function RequestView({ request }: { request: Request }) {
  const { t } = useTranslation('approval')
  const { pick, title } = useLocalized()
  const { areaName, systemName } = useOrgNames()
  const me = useMe()
  const may = usePerm()
  const [taking, setTaking] = useState(false)
  const back = useAction((reason: string) => withdraw(request.id, { reason, version: request.version }), {
    module,
    success: t('withdrawn'),
    quiet: true,
  })
  const waits = request.state === 'proposed'
  const mine = request.proposed_by === me?.account.id
  return (
    <>
      <PageHeader
        title={title(request)}
        above={
          <>
            <RequestState state={request.state} />
            <span className="mono soft">{request.number}</span>
            <span className="soft">{pick(request.kind_title_zh, request.kind_title_en)}</span>
          </>
        }
        actions={waits && mine && <Button onClick={() => setTaking(true)}>{t('withdraw')}</Button>}
      />
      <div className="split">
        <div className="stack">
          <section className="panel panel-body stack" aria-label={t('reason')}>
            <h2 className="panel-title">{t('reason')}</h2>
            <div style={{ overflowWrap: 'anywhere' }}>{request.reason}</div>
            <div>
              <Link to={request.href as string}>{t('openThing')}</Link>
            </div>
          </section>
          {waits ? (
            may('approval.decide') && request.may_decide ? (
              <Decide request={request} alone={mine} />
            ) : (
              <Notice>{mine ? t('waitsForOther') : t('waits')}</Notice>
            )
          ) : (
            <Decided request={request} />
          )}
        </div>
        <aside className="stack">
          <section className="panel panel-body stack">
            <h2 className="panel-title">{t('facts')}</h2>
            <dl className="facts-narrow">
              <div>
                <dt>{t('col.proposedBy')}</dt>
                <dd>{request.proposed_by_name || '—'}</dd>
              </div>
              <div>
                <dt>{t('col.proposedAt')}</dt>
                <dd>
                  <Time value={request.proposed_at} format="full" />
                </dd>
              </div>
              <div>
                <dt>{t('col.area')}</dt>
                <dd>{areaName(request.area_path)}</dd>
              </div>
              <div>
                <dt>{t('col.system')}</dt>
                <dd>{systemName(request.system_id) || '—'}</dd>
              </div>
            </dl>
          </section>
        </aside>
      </div>
      <ReasonModal
        open={taking}
        title={t('withdrawTitle')}
        okText={t('withdraw')}
        onOk={(reason) => back.mutateAsync(reason)}
        onClose={() => setTaking(false)}
      />
    </>
  )
}

function Decided({ request }: { request: Request }) {
  const { t } = useTranslation('approval')
  return (
    <section className="panel panel-body stack" aria-label={t('decision')}>
      <h2 className="panel-title">{t('decision')}</h2>
      {request.alone && <Notice tone="warning">{t('aloneHelp')}</Notice>}
      <dl className="facts-narrow">
        {request.how && (
          <div>
            <dt>{t('how.label')}</dt>
            <dd>{t(`how.${request.how}`)}</dd>
          </div>
        )}
        {request.outside_number && (
          <div>
            <dt>{t('outside.number')}</dt>
            <dd>{request.outside_number}</dd>
          </div>
        )}
        {request.outside_who && (
          <div>
            <dt>{t('outside.who')}</dt>
            <dd>
              {request.outside_who} · {request.outside_on}
            </dd>
          </div>
        )}
        <div>
          <dt>{request.how && request.how !== 'here' ? t('recordedBy') : t('col.decidedBy')}</dt>
          <dd>
            {request.decided_by_name || '—'} · <Time value={request.decided_at} format="full" />
          </dd>
        </div>
        {request.decision_reason && (
          <div>
            <dt>{t('opinion')}</dt>
            <dd>{request.decision_reason}</dd>
          </div>
        )}
      </dl>
    </section>
  )
}

type Values = Omit<Decision, 'approve' | 'version'>

function Decide({ request, alone }: { request: Request; alone: boolean }) {
  const { t } = useTranslation('approval')
  const [form] = Form.useForm<Values>()
  const how = Form.useWatch('how', form) ?? 'here'
  const act = useAction((body: Decision) => decide(request.id, body), { module, success: t('done') })
  const send = async (approve: boolean) => {
    if (!approve && !(form.getFieldValue('reason') as string | undefined)?.trim()) {
      form.setFields([{ name: 'reason', errors: [t('declineNeedsReason')] }])
      return
    }
    let values: Values
    try {
      values = await form.validateFields()
    } catch {
      return
    }
    act.mutate({ ...values, approve, version: request.version })
  }
  const required = [{ required: true, message: t('required') }]
  return (
    <section className="panel panel-body stack" aria-label={t('decide')}>
      <h2 className="panel-title">{t('decide')}</h2>
      {alone && <Notice tone="warning">{t('aloneTrial')}</Notice>}
      <Form<Values> form={form} layout="vertical" requiredMark={false} initialValues={{ how: 'here' }}>
        <Form.Item name="how" label={t('how.label')}>
          <Radio.Group
            options={(['here', 'document', 'paper'] as const).map((value) => ({ value, label: t(`how.${value}`) }))}
          />
        </Form.Item>
        {how === 'document' && (
          <Form.Item name="outside_number" label={t('outside.number')} rules={required}>
            <Input maxLength={100} autoComplete="off" placeholder="桂税函〔2026〕1 号" />
          </Form.Item>
        )}
        {how !== 'here' && (
          <>
            <Form.Item name="outside_who" label={t('outside.who')} rules={required}>
              <Input maxLength={100} autoComplete="off" />
            </Form.Item>
            <Form.Item name="outside_on" label={t('outside.on')} rules={required}>
              <Input type="date" max={formatTime(serverNow(), 'date')} style={{ width: 180 }} />
            </Form.Item>
          </>
        )}
        <Form.Item name="reason" label={t('opinion')} extra={t('opinionHelp')}>
          <Input.TextArea rows={3} maxLength={500} showCount />
        </Form.Item>
        <div className="row">
          <Button type="primary" loading={act.isPending} onClick={() => void send(true)}>
            {t('approve')}
          </Button>
          <Button danger disabled={act.isPending} onClick={() => void send(false)}>
            {t('decline')}
          </Button>
        </div>
      </Form>
    </section>
  )
}
