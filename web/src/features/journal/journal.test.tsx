import { screen, waitFor, within } from '@testing-library/react'
import { expect, it } from 'vitest'
import { fill, me, mockApi, noContent, pageOf, problem } from '@/test/api'
import { renderApp } from '@/test/render'
import { routes } from './routes'
import type { RowDetail, Verification } from './types'

const auditor = {
  ...me,
  permissions: ['journal.read', 'journal.verify', 'journal.reveal', 'journal.export', 'journal.subscription.manage'],
}

const row: RowDetail = {
  seq: 7,
  id: 'row-7',
  type: 'inspect.finding.commented',
  title_zh: '隐患有新说明',
  title_en: 'Comment',
  at: '2026-11-24T00:00:00Z',
  actor: { kind: 'account', id: 'a-1', display_name: '陈立' },
  subject: { kind: 'inspect.finding', id: 'f-1' },
  area_path: '/45/',
  system_id: '',
  request_id: 'req-9',
  fields: { number: 'FND-2026-0003', severity: 'critical', due_at: '2026-11-24T04:00:00.000000Z' },
  private: { text: 'masked', note: 'erased' },
  names: {},
  hash: 'aa77',
  prev: 'aa66',
  canonical: '{"id":"row-7"}',
  segment: null,
}

const base = {
  'GET /org/areas': { items: [{ path: '/45/', name_zh: '区局', name_en: 'Region' }] },
  'GET /org/systems': { items: [] },
  'GET /journal/types': {
    items: [
      {
        type: 'inspect.finding.commented',
        title_zh: '隐患有新说明',
        title_en: 'Comment',
        fields: [
          { name: 'number', title_zh: '编号', title_en: 'Number', private: false, optional: false },
          { name: 'text', title_zh: '内容原文', title_en: 'Text', private: true, optional: false },
        ],
      },
    ],
  },
}

const open = (path: string, who = auditor) => renderApp({ path, me: who, routes })

it('lists rows in words: fields by their titles, values by their names, the subject as a way to its page', async () => {
  mockApi({ ...base, 'GET /journal/rows': pageOf([row]) })
  await open('/journal')
  const line = (await screen.findByText('隐患有新说明', { selector: 'td span' })).closest('tr')!
  await waitFor(() => expect(line.textContent).toContain('编号 FND-2026-0003'))
  expect(within(line).getByRole('link', { name: 'FND-2026-0003' }).getAttribute('href')).toBe('/inspect/findings/f-1')
})

it('offers the pages of the whole chain to those who see the whole installation', async () => {
  mockApi({ ...base, 'GET /journal/rows': pageOf([row]) })
  const part = { ...auditor, roles: [{ role: 'auditor' as const, area_path: '/45/4501/', system_id: '' }] }
  const here = await open('/journal', part)
  expect(await screen.findByRole('link', { name: '日志' })).toBeTruthy()
  expect(screen.queryByRole('link', { name: '完整性校验' })).toBeNull()
  here.unmount()
  await open('/journal')
  expect(await screen.findByRole('link', { name: '完整性校验' })).toBeTruthy()
})

it('keeps the subject of a link as a filter that can be taken away', async () => {
  const api = mockApi({ ...base, 'GET /journal/rows': pageOf([row]) })
  const { user, router } = await open('/journal?subject_kind=inspect.finding&subject_id=f-1')
  await waitFor(() =>
    expect(api.to('GET /journal/rows')[0]!.query).toMatchObject({ subject_kind: 'inspect.finding', subject_id: 'f-1' }),
  )
  await user.click(await screen.findByRole('button', { name: '不限对象' }))
  await waitFor(() => expect(router.state.location.search).toEqual({}))
})

it('shows a row with its bytes and its neighbours, and knows the head of the chain', async () => {
  mockApi({ ...base, 'GET /journal/rows/7': row, 'GET /journal/rows/8': problem(404, 'not_found') })
  await open('/journal/rows/7')
  expect(await screen.findByText('{"id":"row-7"}')).toBeTruthy()
  expect(screen.getByText('aa66')).toBeTruthy()
  expect(await screen.findByText('链头')).toBeTruthy()
  expect(screen.getByRole('button', { name: '下一行' }).hasAttribute('disabled')).toBe(true)
  expect(screen.getByText('2026-11-24 12:00:00')).toBeTruthy()
  expect(screen.getByText('已抹除')).toBeTruthy()
})

it('reveals private text only for a reason', async () => {
  const api = mockApi({
    ...base,
    'GET /journal/rows/7': row,
    'GET /journal/rows/8': problem(404, 'not_found'),
    'POST /journal/rows/7/reveal': { ...row, private: { text: '电话 0771', note: 'erased' } },
  })
  const { user } = await open('/journal/rows/7')
  await user.click(await screen.findByRole('button', { name: /查看原文/ }))
  const dialog = await screen.findByRole('dialog')
  await user.click(within(dialog).getByRole('button', { name: '查看' }))
  expect(api.to('POST /journal/rows/7/reveal')).toHaveLength(0)
  fill(within(dialog).getByLabelText('原因'), '核对投诉')
  await user.click(within(dialog).getByRole('button', { name: '查看' }))
  expect(await screen.findByText('电话 0771')).toBeTruthy()
  expect(api.to('POST /journal/rows/7/reveal')[0]!.body).toEqual({ reason: '核对投诉' })
  expect(screen.queryByRole('button', { name: /查看原文/ })).toBeNull()
})

it('does not offer to reveal to who may not', async () => {
  mockApi({ ...base, 'GET /journal/rows/7': row, 'GET /journal/rows/8': problem(404, 'not_found') })
  await open('/journal/rows/7', { ...auditor, permissions: ['journal.read'] })
  await screen.findByText('已隐藏')
  expect(screen.queryByRole('button', { name: /查看原文/ })).toBeNull()
})

const verification = (more: Partial<Verification>): Verification => ({
  id: 'v-1',
  state: 'ok',
  started_at: '2026-11-24T00:00:00Z',
  finished_at: '2026-11-24T00:00:05Z',
  rows: 29,
  pending: 0,
  bad: [],
  started_by: '陈立',
  head: 'beef',
  ...more,
})

it('starts a verification, follows it, and names each bad row', async () => {
  let state: Verification[] = []
  const api = mockApi({
    ...base,
    'GET /journal/verifications': () => pageOf(state),
    'POST /journal/verify': () => {
      state = [verification({ state: 'running', finished_at: null })]
      return state[0]!
    },
  })
  const { user } = await open('/journal/verifications')
  expect((await screen.findAllByText('还没有校验过')).length).toBeGreaterThan(0)
  await user.click(screen.getByRole('button', { name: /开始校验/ }))
  await screen.findAllByText('校验中')
  state = [verification({ state: 'bad', bad: [{ seq: 12, why: 'changed: its record does not give its hash' }] })]
  expect(await screen.findByText('29 行中发现 1 处异常：', {}, { timeout: 5_000 })).toBeTruthy()
  expect(screen.getByRole('link', { name: '#12' }).getAttribute('href')).toBe('/journal/rows/12')
  expect(api.to('POST /journal/verify')).toHaveLength(1)
})

it('skips a parked row only with a reason and its typed number', async () => {
  const api = mockApi({
    ...base,
    'GET /journal/subscriptions': {
      items: [
        {
          name: 'inspect.assets',
          cursor: 20,
          head: 29,
          lag: 9,
          parked: [
            { subject: 'fleet.asset:as-1', seq: 21, error: 'no such host', since: '2026-11-24T00:00:00Z', waiting: 2 },
          ],
        },
      ],
    },
    'POST /journal/subscriptions/inspect.assets/parked/fleet.asset%3Aas-1/skip': noContent,
  })
  const { user } = await open('/journal/subscriptions')
  expect((await screen.findAllByText('受阻')).length).toBe(1)
  expect(screen.getByText('no such host')).toBeTruthy()
  await user.click(screen.getByRole('button', { name: '跳过' }))
  const dialog = await screen.findByRole('dialog')
  fill(within(dialog).getByLabelText('原因'), '资产已删除')
  fill(within(dialog).getByLabelText(/21/), '21')
  await user.click(within(dialog).getByRole('button', { name: '跳过' }))
  await waitFor(() => expect(api.calls.at(-2)?.path ?? '').toContain('/skip'))
})
