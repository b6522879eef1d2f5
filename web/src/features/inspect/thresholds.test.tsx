import { screen, waitFor, within } from '@testing-library/react'
import { expect, it } from 'vitest'
import { fill, mockApi, pageOf } from '@/test/api'
import { renderApp } from '@/test/render'
import { check, engineer, httpKind, org, result } from './fixtures'
import { rangesWith } from './components/ThresholdPanel'
import { routes } from './routes'
import type { ThresholdProposal } from './types'

const basis = {
  values: 8064,
  days: 28,
  from: '2026-10-27T00:00:00Z',
  to: '2026-11-24T00:00:00Z',
  median: 0.28,
  p95: 0.4,
  p99: 0.5,
  worst: 9,
  now_warn: 41,
  now_crit: 3,
  then_warn: 12,
  then_crit: 3,
}

const proposal = (more: Partial<ThresholdProposal> = {}): ThresholdProposal => ({
  metric: 'time',
  unit: 's',
  code: 'proposed',
  warn: '1.2',
  crit: '2.7',
  floor: false,
  now_warn: '2',
  now_crit: '5',
  kind_warn: '2',
  kind_crit: '5',
  basis,
  ...more,
})

const server = (items: ThresholdProposal[]) =>
  mockApi({
    ...org,
    'GET /inspect/kinds': { items: [httpKind] },
    'GET /inspect/checks/c-1': check,
    'GET /inspect/checks/c-1/history': { series: [], states: [] },
    'GET /inspect/results': pageOf([result()]),
    'GET /inspect/checks/c-1/threshold-changes': {
      items: [
        {
          seq: 7,
          at: '2026-11-20T01:00:00Z',
          actor: { kind: 'account', id: 'u-1', display_name: '张工' },
          reason: '夜间批处理时会慢',
          metric: 'time',
          unit: 's',
          side: 'warn',
          before: '1',
          after: '2',
        },
      ],
    },
    'GET /inspect/checks/c-1/threshold-proposals': ({ query }) => ({ days: Number(query.days), version: 4, items }),
    'PATCH /inspect/checks/c-1': check,
  })

it('tells who changed which range and why', async () => {
  server([])
  await renderApp({ path: '/inspect/checks/c-1', me: engineer, routes })
  const panel = (await screen.findByText('夜间批处理时会慢')).closest('li')!
  expect(panel.textContent).toContain('> 1 秒 → > 2 秒')
  expect(panel.textContent).toContain('张工')
})

it('shows what a proposal rests on, and takes it over with a reason at the version that it was made for', async () => {
  const api = server([proposal()])
  await renderApp({ path: '/inspect/checks/c-1', me: engineer, routes })
  ;(await screen.findByRole('button', { name: /按历史建议阈值/ })).click()
  const drawer = await screen.findByRole('dialog')
  const row = (await within(drawer).findByText('建议')).closest('tr')!
  expect(row.textContent).toBe('建议> 1.2 秒> 2.7 秒警告 12 次 · 严重 3 次')
  expect(drawer.textContent).toContain('28 天 8,064 个值')

  const take = within(drawer).getByRole('button', { name: /采用所选/ })
  take.click()
  await within(drawer).findByText('请勾选要采用的指标')
  expect(api.to('PATCH /inspect/checks/c-1')).toHaveLength(0)
  within(drawer).getByRole('checkbox').click()
  await fill(within(drawer).getByLabelText('原因'), '近一个月稳定，收紧')
  take.click()
  await waitFor(() => expect(api.to('PATCH /inspect/checks/c-1')).toHaveLength(1))
  expect(api.to('PATCH /inspect/checks/c-1')[0]!.body).toEqual({
    warn: { time: '1.2' },
    crit: { time: '2.7' },
    reason: '近一个月稳定，收紧',
    version: 4,
  })
})

it('says why there is no proposal, and lets nothing be taken over', async () => {
  server([proposal({ code: 'too_little', warn: '', crit: '', basis: { ...basis, values: 30, days: 2 } })])
  await renderApp({ path: '/inspect/checks/c-1', me: engineer, routes })
  ;(await screen.findByRole('button', { name: /按历史建议阈值/ })).click()
  const drawer = await screen.findByRole('dialog')
  await within(drawer).findByText('历史不足（需 200 个值、7 天）')
  expect(within(drawer).getByRole('checkbox')).toHaveProperty('disabled', true)
  expect(within(drawer).getByRole('button', { name: /采用所选/ })).toHaveProperty('disabled', true)
})

it('keeps the ranges of the other metrics, and a side that was not proposed', () => {
  const kind = { ...httpKind, thresholds: [...httpKind.thresholds, { metric: 'size', warn: '', crit: '9', unit: 'B' }] }
  const set = { ...check, warn: { time: '2', size: '' }, crit: { time: '4', size: '7' } }
  const data = {
    days: 28,
    version: 1,
    items: [proposal({ crit: '' }), proposal({ metric: 'size', warn: '', crit: '8' })],
  }
  expect(rangesWith(set, kind, data, ['time'])).toEqual({ warn: { time: '1.2' }, crit: { time: '4', size: '7' } })
})
