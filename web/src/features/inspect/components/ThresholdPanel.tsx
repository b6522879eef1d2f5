import { HistoryOutlined, LineChartOutlined } from '@ant-design/icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { App, Button, Checkbox, Form, Input, Segmented } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Check } from '@/shared/api/inspect'
import { useLocalized } from '@/shared/lib/localized'
import { rangeWords, showValue } from '@/shared/lib/measure'
import { usePerm } from '@/shared/lib/perm'
import { FormDrawer } from '@/shared/ui/FormDrawer'
import { StateTag } from '@/shared/ui/StateTag'
import { StateView } from '@/shared/ui/StateView'
import { Time } from '@/shared/ui/Time'
import { changeCheck, module, proposalsQuery, thresholdChangesQuery } from '../queries'
import type { Kind, ThresholdChange, ThresholdProposal, ThresholdProposals } from '../types'
import { useMetricName } from '../words'
import { rangesOf, type ThresholdValues } from './ThresholdFields'

const daysBack = [14, 28, 90] as const

/** Who changed which range and why, and what the check's own history would suggest. */
export function ThresholdPanel({ check, kind }: { check: Check; kind: Kind }) {
  const { t } = useTranslation('inspect')
  const [open, setOpen] = useState(false)
  const changes = useQuery(thresholdChangesQuery(check.id))
  if (kind.thresholds.length === 0) return null
  return (
    <section className="panel panel-body stack" aria-labelledby="threshold-changes">
      <h2 className="panel-title" id="threshold-changes">
        {t('proposal.changes')}
      </h2>
      <StateView query={changes} skeletonRows={2}>
        {(list) =>
          list.length === 0 ? (
            <p className="meta">{t('proposal.unchanged')}</p>
          ) : (
            <ol className="threshold-changes">
              {list.map((c) => (
                <li key={`${c.seq}-${c.metric}-${c.side}`}>
                  <Changed change={c} />
                </li>
              ))}
            </ol>
          )
        }
      </StateView>
      <Button icon={<LineChartOutlined />} onClick={() => setOpen(true)}>
        {t('proposal.open')}
      </Button>
      {open && <Proposals check={check} kind={kind} onClose={() => setOpen(false)} />}
    </section>
  )
}

function useRangeText() {
  const { t } = useTranslation('inspect')
  const { english } = useLocalized()
  return (range: string, unit: string) => rangeWords(range, (n) => showValue(n, unit, english)) || t('threshold.never')
}

function Changed({ change }: { change: ThresholdChange }) {
  const { t } = useTranslation('inspect')
  const metricName = useMetricName()
  const words = useRangeText()
  return (
    <>
      <div>
        <span title={change.metric}>{metricName(change.metric)}</span> {t(`value.${change.side}`)}{' '}
        <s className="soft">{words(change.before, change.unit)}</s> → <b>{words(change.after, change.unit)}</b>
      </div>
      <div className="soft">{change.reason}</div>
      <div className="meta">
        <HistoryOutlined aria-hidden /> {change.actor.display_name || change.actor.id} ·{' '}
        <Time value={change.at} format="full" />
      </div>
    </>
  )
}

interface Values {
  take: string[]
  reason: string
}

function Proposals({ check, kind, onClose }: { check: Check; kind: Kind; onClose: () => void }) {
  const { t } = useTranslation('inspect')
  const { message } = App.useApp()
  const client = useQueryClient()
  const may = usePerm()('inspect.manage')
  const [days, setDays] = useState<(typeof daysBack)[number]>(28)
  const query = useQuery(proposalsQuery(check.id, days))
  const possible = (query.data?.items ?? []).filter((p) => p.code === 'proposed')

  const submit = async (values: Values) => {
    const data = query.data
    if (!data) return
    const body = rangesWith(check, kind, data, values.take)
    await changeCheck(check.id, { ...body, reason: values.reason.trim(), version: data.version })
    await client.invalidateQueries({ queryKey: [module] })
    void message.success(t('check.saved'))
    onClose()
  }

  return (
    <FormDrawer<Values>
      open
      width={640}
      title={t('proposal.title')}
      submitText={t('proposal.take')}
      submitDisabled={!may || possible.length === 0}
      initialValues={{ take: [], reason: t('proposal.reason', { n: days }) }}
      onSubmit={submit}
      onClose={onClose}
    >
      {(form) => (
        <div className="stack">
          <p className="meta">{t('proposal.help')}</p>
          <Segmented<number>
            aria-label={t('proposal.span')}
            options={daysBack.map((n) => ({ value: n, label: t('proposal.days', { n }) }))}
            value={days}
            onChange={(n) => {
              setDays(n as (typeof daysBack)[number])
              if (!form.isFieldTouched('reason')) form.setFieldValue('reason', t('proposal.reason', { n }))
            }}
          />
          <StateView query={query} skeletonRows={6}>
            {(data) => (
              <Form.Item
                name="take"
                style={{ marginBottom: 0 }}
                rules={[
                  {
                    // Not "required": a group of boxes may not carry that attribute.
                    validator: (_, chosen: string[]) =>
                      chosen.length > 0 ? Promise.resolve() : Promise.reject(new Error(t('proposal.choose'))),
                  },
                ]}
              >
                <Checkbox.Group className="proposals">
                  {data.items.map((p) => (
                    <ProposalCard key={p.metric} proposal={p} may={may} />
                  ))}
                </Checkbox.Group>
              </Form.Item>
            )}
          </StateView>
          {may && possible.length > 0 && (
            <Form.Item
              name="reason"
              label={t('form.reason')}
              extra={t('form.reasonHelp')}
              rules={[
                {
                  validator: (_, value: string | undefined) =>
                    (value ?? '').trim().length >= 4
                      ? Promise.resolve()
                      : Promise.reject(new Error(t('form.reasonShort', { n: 4 }))),
                },
              ]}
            >
              <Input.TextArea rows={2} maxLength={500} />
            </Form.Item>
          )}
        </div>
      )}
    </FormDrawer>
  )
}

/** The ranges of a check with those taken over from its history. */
export function rangesWith(check: Check, kind: Kind, data: ThresholdProposals, take: string[]) {
  const values: ThresholdValues = {}
  for (const spec of kind.thresholds) {
    const p = data.items.find((item) => item.metric === spec.metric && take.includes(item.metric))
    values[spec.metric] = {
      // A side for which the kind has no range keeps what a person set.
      warn: p?.warn || (check.warn?.[spec.metric] ?? spec.warn),
      crit: p?.crit || (check.crit?.[spec.metric] ?? spec.crit),
    }
  }
  return rangesOf(kind, values)
}

function ProposalCard({ proposal: p, may }: { proposal: ThresholdProposal; may: boolean }) {
  const { t } = useTranslation('inspect')
  const { english } = useLocalized()
  const metricName = useMetricName()
  const words = useRangeText()
  const show = (n: number) => showValue(n, p.unit, english)
  const made = p.code === 'proposed' || p.code === 'same'
  return (
    <div className="proposal">
      <div className="proposal-head">
        <Checkbox value={p.metric} disabled={!may || p.code !== 'proposed'}>
          <span title={p.metric}>{metricName(p.metric)}</span>
        </Checkbox>
        {p.code !== 'proposed' && <StateTag tone="neutral" dot={false} text={t(`proposal.code.${p.code}`)} />}
        {p.floor && <StateTag tone="warning" text={t('proposal.floor')} />}
      </div>
      <table className="proposal-table">
        <thead>
          <tr>
            <td />
            <th>{t('value.warn')}</th>
            <th>{t('value.crit')}</th>
            <th>{t('proposal.would')}</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th>{t('proposal.now')}</th>
            <td>{words(p.now_warn, p.unit)}</td>
            <td>{words(p.now_crit, p.unit)}</td>
            <td>{t('proposal.alerts', { warn: p.basis.now_warn, crit: p.basis.now_crit })}</td>
          </tr>
          {made && (
            <tr className="proposal-then">
              <th>{t('proposal.then')}</th>
              <td>{p.warn ? words(p.warn, p.unit) : '—'}</td>
              <td>{p.crit ? words(p.crit, p.unit) : '—'}</td>
              <td>{t('proposal.alerts', { warn: p.basis.then_warn, crit: p.basis.then_crit })}</td>
            </tr>
          )}
        </tbody>
      </table>
      <p className="meta">
        {p.basis.values === 0
          ? t('proposal.nothing')
          : t('proposal.basis', {
              values: p.basis.values.toLocaleString('en-US'),
              days: p.basis.days,
              median: show(p.basis.median),
              p95: show(p.basis.p95),
              p99: show(p.basis.p99),
              worst: show(p.basis.worst),
            })}
      </p>
    </div>
  )
}
