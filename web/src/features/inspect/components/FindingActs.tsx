import { useQueryClient } from '@tanstack/react-query'
import { App, DatePicker, Form, Input } from 'antd'
import type { Dayjs } from 'dayjs'
import { useTranslation } from 'react-i18next'
import { useMe } from '@/shared/api/me'
import { isoToWall, serverNow, wallToIso } from '@/shared/lib/time'
import { PersonSelect } from '@/shared/ui/PersonSelect'
import { assignFinding, module, postponeFinding, repairFinding } from '../queries'
import type { Finding } from '../types'
import { ActModal } from './ActModal'

interface Props {
  finding: Finding
  open: boolean
  onClose: () => void
}

/** Gives the finding to a person, with a time until which it is to be repaired. */
export function AssignModal({ finding, open, onClose }: Props) {
  const { t } = useTranslation('inspect')
  const me = useMe()
  const client = useQueryClient()
  const { message } = App.useApp()
  const due = finding.due_at ?? finding.proposed_due_at
  return (
    <ActModal<{ account_id: string; due?: Dayjs | null; note?: string }>
      open={open}
      title={t('finding.assignTitle', { number: finding.number })}
      okText={t('finding.assign')}
      initialValues={{ account_id: finding.assignee?.id ?? me?.account.id, due: due ? isoToWall(due) : null }}
      onClose={onClose}
      onSubmit={async (values) => {
        await assignFinding(finding.id, {
          account_id: values.account_id,
          due_at: values.due ? wallToIso(values.due) : undefined,
          note: values.note?.trim() || undefined,
          version: finding.version,
        })
        void message.success(t('finding.assigned'))
        await client.invalidateQueries({ queryKey: [module] })
      }}
    >
      <Form.Item
        name="account_id"
        label={t('finding.assignee')}
        rules={[{ required: true, message: t('form.required', { label: t('finding.assignee') }) }]}
      >
        <PersonSelect
          label={t('finding.assignee')}
          width="100%"
          allowClear={false}
          known={finding.assignee}
          autoFocus
        />
      </Form.Item>
      <Form.Item
        name="due"
        label={t('finding.dueLabel')}
        extra={finding.due_at ? undefined : t('finding.dueHelp')}
        rules={[
          {
            validator: (_, value: Dayjs | null | undefined) =>
              !value || Date.parse(wallToIso(value)) > serverNow()
                ? Promise.resolve()
                : Promise.reject(new Error(t('finding.duePast'))),
          },
        ]}
      >
        <DatePicker showTime={{ format: 'HH:mm' }} format="YYYY-MM-DD HH:mm" style={{ width: '100%' }} />
      </Form.Item>
      <Form.Item name="note" label={t('finding.note')} style={{ marginBottom: 0 }}>
        <Input.TextArea rows={3} maxLength={2000} />
      </Form.Item>
    </ActModal>
  )
}

/** Gives the finding more time. Each time is counted and stays visible with its reason. */
export function PostponeModal({ finding, open, onClose }: Props) {
  const { t } = useTranslation('inspect')
  const client = useQueryClient()
  const { message } = App.useApp()
  const was = finding.due_at ? Date.parse(finding.due_at) : 0
  return (
    <ActModal<{ due: Dayjs; reason: string }>
      open={open}
      title={t('finding.postponeTitle', { number: finding.number })}
      okText={t('finding.postpone')}
      initialValues={{ due: isoToWall(new Date(Math.max(was, serverNow()) + dayMs).toISOString()) }}
      onClose={onClose}
      onSubmit={async (values) => {
        await postponeFinding(finding.id, {
          due_at: wallToIso(values.due),
          reason: values.reason.trim(),
          version: finding.version,
        })
        void message.success(t('finding.postponed'))
        await client.invalidateQueries({ queryKey: [module] })
      }}
    >
      <Form.Item
        name="due"
        label={t('finding.postponeDue')}
        rules={[
          {
            validator: (_, value: Dayjs | null | undefined) =>
              value && Date.parse(wallToIso(value)) > Math.max(was, serverNow())
                ? Promise.resolve()
                : Promise.reject(new Error(t('finding.postponeEarlier'))),
          },
        ]}
      >
        <DatePicker showTime={{ format: 'HH:mm' }} format="YYYY-MM-DD HH:mm" style={{ width: '100%' }} />
      </Form.Item>
      <Form.Item
        name="reason"
        label={t('finding.postponeReason')}
        extra={t('finding.postponeHelp', { count: finding.postponed })}
        style={{ marginBottom: 0 }}
        rules={[
          {
            validator: (_, value: string | undefined) =>
              (value ?? '').trim().length >= 2
                ? Promise.resolve()
                : Promise.reject(new Error(t('form.reasonShort', { n: 2 }))),
          },
        ]}
      >
        <Input.TextArea autoFocus rows={3} maxLength={2000} />
      </Form.Item>
    </ActModal>
  )
}

const dayMs = 86_400_000

/** Says that the cause is removed. The finding itself is closed by a good result only. */
export function RepairModal({ finding, open, onClose }: Props) {
  const { t } = useTranslation('inspect')
  const client = useQueryClient()
  const { message } = App.useApp()
  return (
    <ActModal<{ note: string }>
      open={open}
      title={t('finding.repairTitle', { number: finding.number })}
      okText={t('finding.repair')}
      onClose={onClose}
      onSubmit={async (values) => {
        await repairFinding(finding.id, { note: values.note.trim(), version: finding.version })
        void message.success(t('finding.repaired'))
        await client.invalidateQueries({ queryKey: [module] })
      }}
    >
      <Form.Item
        name="note"
        label={t('finding.repairNote')}
        extra={t('finding.repairHelp')}
        style={{ marginBottom: 0 }}
        rules={[
          {
            validator: (_, value: string | undefined) =>
              (value ?? '').trim().length >= 2
                ? Promise.resolve()
                : Promise.reject(new Error(t('form.reasonShort', { n: 2 }))),
          },
        ]}
      >
        <Input.TextArea autoFocus rows={4} maxLength={4000} showCount />
      </Form.Item>
    </ActModal>
  )
}
