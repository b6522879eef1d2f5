import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { App, Button, Checkbox, Form, Input, Modal } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Check } from '@/shared/api/inspect'
import { useErrorText } from '@/shared/lib/errors'
import { Can } from '@/shared/lib/perm'
import { formatTime, serverNow } from '@/shared/lib/time'
import { Notice } from '@/shared/ui/Notice'
import { ReasonModal } from '@/shared/ui/ReasonModal'
import { StateTag } from '@/shared/ui/StateTag'
import { Time } from '@/shared/ui/Time'
import { endExemption, exemptionsQuery, module, proposeExemption } from '../queries'

/** A mark beside the state of a check that is, or may become, not applicable. */
export function ExemptionTag({ check }: { check: Pick<Check, 'exemption'> }) {
  const { t } = useTranslation('inspect')
  if (check.exemption === 'none') return null
  return (
    <StateTag
      tone={check.exemption === 'active' ? 'absent' : 'warning'}
      dot={false}
      text={t(`exemption.tag.${check.exemption}`)}
    />
  )
}

/** Whether the check applies to its asset: what was decided, and the way to propose that it does not. */
export function ExemptionPanel({ check }: { check: Check }) {
  const { t } = useTranslation('inspect')
  const { message } = App.useApp()
  const client = useQueryClient()
  const [asking, setAsking] = useState(false)
  const [ending, setEnding] = useState(false)
  const all = useQuery(exemptionsQuery(check.asset_id, check.kind)).data ?? []
  const about = all.filter((e) => e.check_id === '' || e.check_id === check.id)
  const live = about.find((e) => e.state === 'active') ?? about.find((e) => e.state === 'proposed')
  return (
    <section className="panel panel-body stack" aria-label={t('exemption.title')}>
      <h2 className="panel-title">{t('exemption.title')}</h2>
      {live ? (
        <>
          <dl className="facts-narrow">
            <div>
              <dt>{t('col.state')}</dt>
              <dd>
                <StateTag
                  tone={live.state === 'active' ? 'absent' : 'warning'}
                  text={t(`exemption.state.${live.state}`)}
                />
                {live.check_id === '' && ` ${t('exemption.wholeKind')}`}
              </dd>
            </div>
            <div>
              <dt>{t('exemption.reason')}</dt>
              <dd>{live.reason}</dd>
            </div>
            <div>
              <dt>{t('exemption.proposedBy')}</dt>
              <dd>
                {live.proposed_by_name || '—'} · <Time value={live.proposed_at} />
              </dd>
            </div>
            {live.until && (
              <div>
                <dt>{t('exemption.until')}</dt>
                {/* The moment is the end of the last day. */}
                <dd>{formatTime(new Date(new Date(live.until).getTime() - 1).toISOString(), 'date')}</dd>
              </div>
            )}
          </dl>
          <Can perm="approval.read">
            <Link to={`/approval/requests/${live.request_id}` as string}>{t('exemption.decision')}</Link>
          </Can>
          {live.state === 'active' && (
            <Can perm="inspect.manage">
              <div>
                <Button onClick={() => setEnding(true)}>{t('exemption.end')}</Button>
              </div>
            </Can>
          )}
        </>
      ) : (
        <>
          <div className="meta">{t('exemption.none')}</div>
          <Can perm="inspect.manage">
            <div>
              <Button onClick={() => setAsking(true)}>{t('exemption.propose')}</Button>
            </div>
          </Can>
        </>
      )}
      <Propose check={check} open={asking} onClose={() => setAsking(false)} />
      {live && (
        <ReasonModal
          open={ending}
          title={t('exemption.endTitle')}
          body={t('exemption.endBody')}
          okText={t('exemption.end')}
          onOk={async (reason) => {
            await endExemption(live.id, { reason, version: live.version })
            void message.success(t('exemption.ended'))
            await client.invalidateQueries({ queryKey: [module] })
          }}
          onClose={() => setEnding(false)}
        />
      )}
    </section>
  )
}

interface Values {
  reason: string
  until?: string
  whole_kind?: boolean
}

function Propose({ check, open, onClose }: { check: Check; open: boolean; onClose: () => void }) {
  const { t } = useTranslation('inspect')
  const { message } = App.useApp()
  const client = useQueryClient()
  const errorText = useErrorText()
  const [form] = Form.useForm<Values>()
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string>()
  const submit = async () => {
    let values: Values
    try {
      values = await form.validateFields()
    } catch {
      return
    }
    setBusy(true)
    setFailure(undefined)
    try {
      await proposeExemption({
        ...values,
        reason: values.reason.trim(),
        until: values.until || undefined,
        check_id: check.id,
      })
      onClose()
      void message.success(t('exemption.proposed'))
      await client.invalidateQueries({ queryKey: [module] })
    } catch (error) {
      setFailure(errorText(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <Modal
      open={open}
      title={t('exemption.proposeTitle')}
      okText={t('exemption.propose')}
      okButtonProps={{ loading: busy }}
      cancelText={t('actions.cancel')}
      onOk={() => void submit()}
      onCancel={() => !busy && onClose()}
      afterClose={() => setFailure(undefined)}
      destroyOnHidden
      width={480}
    >
      <Form<Values> form={form} layout="vertical" requiredMark={false} preserve={false} style={{ paddingTop: 8 }}>
        <p className="soft">{t('exemption.proposeBody')}</p>
        {failure && <Notice tone="critical">{failure}</Notice>}
        <Form.Item
          name="reason"
          label={t('exemption.reason')}
          rules={[{ required: true, whitespace: true, min: 2, message: t('exemption.reasonNeeded') }]}
        >
          <Input.TextArea autoFocus rows={3} maxLength={500} showCount placeholder={t('exemption.reasonExample')} />
        </Form.Item>
        <Form.Item name="until" label={t('exemption.until')} extra={t('exemption.untilHelp')}>
          <Input type="date" min={formatTime(serverNow(), 'date')} style={{ width: 180 }} />
        </Form.Item>
        <Form.Item name="whole_kind" valuePropName="checked" style={{ marginBottom: 0 }}>
          <Checkbox>{t('exemption.wholeKindAsk')}</Checkbox>
        </Form.Item>
      </Form>
    </Modal>
  )
}
