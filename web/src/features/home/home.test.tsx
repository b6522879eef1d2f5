import { screen, waitFor, within } from '@testing-library/react'
import { expect, it } from 'vitest'
import { me, mockApi, pageOf, problem } from '@/test/api'
import { renderPage } from '@/test/render'
import HomePage from './HomePage'
import type { Card } from './queries'

const inspector = { ...me, permissions: [...me.permissions, 'inspect.read', 'inspect.run'] }

const card = (key: string, severity: Card['severity'], count: number, items: Card['items'] = []): Card => ({
  key,
  severity,
  title_zh: key,
  title_en: key,
  count,
  href: `/inspect/findings?state=open&key=${key}`,
  items,
})

const round = {
  id: 'r-1',
  number: 'RND-2026-0007',
  plan_id: 'p-1',
  plan_name: '本机巡检',
  plan_name_en: 'This machine',
  trigger: 'schedule',
  state: 'finished',
  started_at: '2026-11-24T01:00:00Z',
  finished_at: '2026-11-24T01:00:02Z',
  planned: 10,
  ran: 9,
  missed: 1,
  worst_state: 'CRITICAL',
  counts: { ok: 6, warning: 0, critical: 2, unknown: 0, no_source: 1 },
  tree_root: '',
  area_path: '/45/',
}
const plan = {
  id: 'p-1',
  name: '本机巡检',
  name_en: 'This machine',
  enabled: true,
  next_due_at: '2026-11-24T01:05:00Z',
  selector: { classes: [] },
}

const server = (cards: Card[], more: Record<string, unknown> = {}) =>
  mockApi({
    'GET /home': { cards, server_time: new Date().toISOString() },
    'GET /inspect/rounds': pageOf([{ ...round, ...more }]),
    'GET /inspect/plans': pageOf([plan]),
  })

it('puts the gravest first and what is well last', async () => {
  server([card('well', 'ok', 0), card('soon', 'warning', 1), card('now', 'critical', 2)])
  await renderPage(HomePage, { me: inspector })
  await screen.findByRole('heading', { name: 'now' })
  const headings = screen.getAllByRole('heading', { level: 2 }).map((h) => h.textContent)
  expect(headings).toEqual(['now', 'soon'])
  // What is well stands in its own sunken place, not as a card.
  expect(screen.getByRole('region', { name: '正常' }).textContent).toContain('well')
})

it('leads with one click from a line to its place, and says how many more there are', async () => {
  server([
    card('now', 'critical', 7, [
      {
        title_zh: '磁盘将满',
        title_en: 'Disk',
        href: '/page?found=f-1',
        at: '2026-11-24T00:00:00Z',
        state: 'critical',
      },
    ]),
  ])
  const { user, router } = await renderPage(HomePage, { me: inspector })
  const line = await screen.findByRole('link', { name: /磁盘将满/ })
  expect(within(line).getByText('严重')).toBeTruthy()
  expect(screen.getByText('还有 6 条')).toBeTruthy()
  await user.click(line)
  await waitFor(() => expect(router.state.location.search).toMatchObject({ found: 'f-1' }))
})

it('walks the lines with j and k', async () => {
  server([
    card('now', 'critical', 2, [
      { title_zh: '一', title_en: 'one', href: '/a' },
      { title_zh: '二', title_en: 'two', href: '/b' },
    ]),
  ])
  const { user } = await renderPage(HomePage, { me: inspector })
  await screen.findByText('一')
  await user.keyboard('jj')
  expect(document.activeElement?.textContent).toContain('二')
  await user.keyboard('k')
  expect(document.activeElement?.textContent).toContain('一')
})

it('tells the last round with what was missed, and starts another by the key r', async () => {
  const api = server([])
  api.handlers['POST /inspect/plans/p-1/run'] = { ...round, id: 'r-2', state: 'running' }
  const { user, router } = await renderPage(HomePage, { me: inspector })
  const strip = await screen.findByRole('region', { name: '最近一轮巡检' })
  await within(strip).findByText('RND-2026-0007')
  expect(strip.textContent).toContain('漏检 1')
  expect(strip.textContent).toContain('无数据源 1')
  await screen.findByRole('button', { name: /立即巡检/ })
  await user.keyboard('r')
  await waitFor(() => expect(router.state.location.pathname).toBe('/inspect/rounds/r-2'))
  expect(api.to('POST /inspect/plans/p-1/run')).toHaveLength(1)
})

it('shows how far a running round is', async () => {
  server([], { state: 'running', worst_state: '', finished_at: null, ran: 4 })
  await renderPage(HomePage, { me: inspector })
  expect(await screen.findByText('4 / 10')).toBeTruthy()
  expect(screen.getByText('进行中')).toBeTruthy()
})

it('keeps the strip when the cards cannot be loaded, and tries again', async () => {
  const api = server([])
  api.handlers['GET /home'] = problem(503, 'database_unavailable')
  const { user } = await renderPage(HomePage, { me: inspector })
  await screen.findByText('数据库暂时不可用，请稍后重试。')
  expect(screen.getByText('RND-2026-0007')).toBeTruthy()
  api.handlers['GET /home'] = { cards: [], server_time: new Date().toISOString() }
  await user.click(screen.getByRole('button', { name: '重试' }))
  expect(await screen.findByText('没有需要处理的事项')).toBeTruthy()
})

it('asks for nothing that the person may not see', async () => {
  const api = mockApi({ 'GET /home': { cards: [], server_time: new Date().toISOString() } })
  await renderPage(HomePage)
  await screen.findByText('没有需要处理的事项')
  expect(api.calls.map((call) => call.path)).toEqual(['/home'])
})
