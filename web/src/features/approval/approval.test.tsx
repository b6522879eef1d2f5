import { screen, waitFor } from '@testing-library/react'
import { expect, it } from 'vitest'
import { fill, me, mockApi, pageOf } from '@/test/api'
import { renderApp } from '@/test/render'
import type { Request } from './queries'
import { routes } from './routes'

const decider = { ...me, permissions: ['approval.read', 'approval.decide'] }

const request: Request = {
  id: 'rq-1',
  number: 'APR-2026-0001',
  kind: 'inspect.not_applicable',
  kind_title_zh: '检查项不适用',
  kind_title_en: 'Check not applicable',
  subject_kind: 'inspect.check',
  subject_id: 'ck-1',
  title_zh: '不适用：host-1 · 磁盘阵列',
  title_en: 'Not applicable: host-1 · RAID',
  href: '/inspect/checks/ck-1',
  reason: '由云平台方负责',
  state: 'proposed',
  proposed_by: 'somebody',
  proposed_by_name: '王海燕',
  proposed_at: '2026-11-24T00:00:00Z',
  decided_by_name: '',
  decision_reason: '',
  how: '',
  outside_number: '',
  outside_who: '',
  outside_on: '',
  alone: false,
  may_decide: true,
  area_path: '/45/',
  system_id: '',
  version: 1,
}

const server = (r: Request = request) =>
  mockApi({
    'GET /org/areas': { items: [] },
    'GET /org/systems': { items: [] },
    'GET /approval/requests': pageOf([r]),
    'GET /approval/requests/rq-1': r,
    'POST /approval/requests/rq-1/decide': { ...r, state: 'approved', version: 2 },
  })

const open = (who = decider) => renderApp({ path: '/approval/requests/rq-1', me: who, routes })

it('declines only with a reason', async () => {
  const api = server()
  const { user } = await open()
  await user.click(await screen.findByRole('button', { name: '不批准' }))
  expect(await screen.findByText('不批准时请写明理由')).toBeTruthy()
  expect(api.to('POST /approval/requests/rq-1/decide')).toHaveLength(0)
  fill(screen.getByLabelText('意见'), '理由不足')
  await user.click(screen.getByRole('button', { name: '不批准' }))
  await waitFor(() =>
    expect(api.to('POST /approval/requests/rq-1/decide')[0]?.body).toEqual({
      approve: false,
      how: 'here',
      reason: '理由不足',
      version: 1,
    }),
  )
})

it('records a decision by a document with its number, who and when', async () => {
  const api = server()
  const { user } = await open()
  await user.click(await screen.findByLabelText('公文（OA）'))
  await user.click(screen.getByRole('button', { name: '批准' }))
  expect(await screen.findAllByText('必填')).toHaveLength(3)
  fill(screen.getByLabelText('文号'), '桂税函〔2026〕1号')
  fill(screen.getByLabelText(/批准人/), '李处长')
  fill(screen.getByLabelText('批准日期'), '2026-01-05')
  await user.click(screen.getByRole('button', { name: '批准' }))
  await waitFor(() =>
    expect(api.to('POST /approval/requests/rq-1/decide')[0]?.body).toEqual({
      approve: true,
      how: 'document',
      outside_number: '桂税函〔2026〕1号',
      outside_who: '李处长',
      outside_on: '2026-01-05',
      version: 1,
    }),
  )
})

it('offers no decision to who proposed it in production', async () => {
  server({ ...request, proposed_by: me.account.id, may_decide: false })
  await open()
  expect(await screen.findByText(/等待另一人决定/)).toBeTruthy()
  expect(screen.queryByRole('button', { name: '批准' })).toBeNull()
  expect(screen.getByRole('button', { name: '撤回' })).toBeTruthy()
})
