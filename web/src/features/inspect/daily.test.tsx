import { screen, waitFor } from '@testing-library/react'
import { expect, it } from 'vitest'
import { mockApi, pageOf, problem } from '@/test/api'
import { renderApp } from '@/test/render'
import { share } from './components/DailyFigures'
import { engineer, finding, org } from './fixtures'
import { routes } from './routes'
import type { DailyDetail } from './types'

const span = { rounds: 2, planned: 8, ran: 7, missed: 1, gap_rounds: 3 }

const daily = (more: Partial<DailyDetail> = {}): DailyDetail => ({
  day: '2026-11-24',
  state: 'draft',
  due_at: '2026-11-24T01:00:00Z',
  late: false,
  sha256: '',
  day_kind: 'workday',
  periods: [],
  since: '2026-11-23T00:30:00Z',
  figures: {
    since: span,
    today: span,
    ok: 4,
    warning: 0,
    critical: 1,
    unknown: 0,
    no_source: 1,
    not_run: 0,
    open: 1,
    overdue: 0,
    opened: 1,
    closed: 0,
  },
  items: [
    {
      key: 'check:c-1',
      kind: 'check',
      severity: 'CRITICAL',
      title_zh: 'web01 端口 127.0.0.1:1',
      title_en: 'web01 port 127.0.0.1:1',
      detail: '拒绝连接',
      href: '/inspect/findings/f-1',
      finding_id: 'f-1',
      note: '已派李四',
    },
    {
      key: 'gap:g-1',
      kind: 'gap',
      severity: 'UNKNOWN',
      title_zh: '计划「本机巡检」缺3轮',
      title_en: '3 rounds',
      detail: '服务器未运行',
      href: '/inspect/plans/p-1',
      finding_id: '',
      note: '',
    },
  ],
  more: 0,
  fingerprint: 'abc',
  text: '【早检】',
  open: [finding()],
  opened: [finding()],
  closed: [],
  ...more,
})

const signer = { ...engineer, permissions: [...engineer.permissions, 'inspect.daily.sign'] }
const open = (path: string, me = signer) => renderApp({ path, me, routes })

it('is noted and signed by keyboard', async () => {
  const server = mockApi({
    ...org,
    'GET /inspect/daily': pageOf([]),
    'GET /inspect/daily/today': daily(),
    'POST /inspect/daily/days/2026-11-24/sign': daily({ state: 'signed', fingerprint: '', text: '【早检】已签' }),
  })
  const { user } = await open('/inspect/daily')
  const note = await screen.findByLabelText('备注：web01 端口 127.0.0.1:1')
  expect((note as HTMLInputElement).value).toBe('已派李四')
  await user.keyboard('j')
  expect(document.activeElement).toBe(note)
  await user.keyboard('{End}，处理中{Enter}电源故障{Control>}{Enter}{/Control}')
  await waitFor(() => expect(server.to('POST /inspect/daily/days/2026-11-24/sign')).toHaveLength(1))
  expect(server.to('POST /inspect/daily/days/2026-11-24/sign')[0]!.body).toEqual({
    notes: { 'check:c-1': '已派李四，处理中', 'gap:g-1': '电源故障' },
    remark: '',
    fingerprint: 'abc',
  })
})

it('keeps the notes when something changed meanwhile', async () => {
  const server = mockApi({
    ...org,
    'GET /inspect/daily': pageOf([]),
    'GET /inspect/daily/today': daily(),
    'POST /inspect/daily/days/2026-11-24/sign': problem(409, 'stale'),
  })
  const { user } = await open('/inspect/daily')
  await screen.findByLabelText('备注：计划「本机巡检」缺3轮')
  await user.keyboard('k电源故障')
  await user.keyboard('{Control>}{Enter}{/Control}')
  await waitFor(() => expect(server.to('GET /inspect/daily/today').length).toBeGreaterThan(1))
  expect(screen.getByDisplayValue('电源故障')).toBeTruthy()
})

it('says loudly that a day was missed, and offers nothing to sign', async () => {
  mockApi({
    ...org,
    'GET /inspect/daily': pageOf([]),
    'GET /inspect/daily/days/2026-11-23': daily({
      day: '2026-11-23',
      state: 'missed',
      late: true,
      fingerprint: '',
      items: [],
    }),
  })
  await open('/inspect/daily?day=2026-11-23')
  await screen.findByText('2026-11-23 的早检未签发')
  expect(screen.queryByRole('button', { name: '签发' })).toBeNull()
})

it('cuts shares, so that 100 % means all', () => {
  expect(share(9999, 10000)).toBe('99.9%')
  expect(share(8, 8)).toBe('100.0%')
  expect(share(0, 0)).toBe('—')
})
