import { screen, waitFor, within } from '@testing-library/react'
import { expect, it } from 'vitest'
import { fill, mockApi, pageOf, problem } from '@/test/api'
import { renderApp } from '@/test/render'
import { ahead, engineer, item, org, plan, result, round } from './fixtures'
import { routes } from './routes'

const open = (path: string) => renderApp({ path, me: engineer, routes })

const mixed = round([
  item('ok', '内存'),
  item('warn', '磁盘', { result: result({ id: 'res-warn', state: 'WARNING', summary: '85%' }) }),
  item('none', '温度', { result: result({ id: 'res-none', state: 'UNKNOWN', reason: 'no_source' }) }),
  item('crit', '端口', { result: result({ id: 'res-crit', state: 'CRITICAL', summary: '拒绝连接' }) }),
])

const bodyRows = (table: HTMLElement) =>
  [...table.querySelectorAll('tbody tr.ant-table-row')].map((row) => row.querySelector('a')?.textContent)

it('shows the gravest first, and what has no source apart with an explanation', async () => {
  mockApi({ ...org, 'GET /inspect/rounds/r-1': mixed, 'GET /inspect/plans': pageOf([plan]) })
  await open('/inspect/rounds/r-1')
  const main = await screen.findByRole('region', { name: '结果' })
  expect(bodyRows(main)).toEqual(['端口', '磁盘', '内存'])
  expect(screen.getByText('无数据源 1 项')).toBeTruthy()
  expect(screen.getByText(/既不算正常也不算异常/)).toBeTruthy()
})

it('narrows to one state by its figure, and opens a result by keyboard', async () => {
  mockApi({
    ...org,
    'GET /inspect/rounds/r-1': mixed,
    'GET /inspect/results/res-warn': result({ id: 'res-warn', state: 'WARNING', summary: '磁盘已用 85%' }),
  })
  const { user, router } = await open('/inspect/rounds/r-1')
  await screen.findByRole('region', { name: '结果' })
  await user.click(screen.getByRole('button', { name: /警告/ }))
  await waitFor(() => expect(router.state.location.search).toEqual({ show: 'warning' }))
  expect(bodyRows(screen.getByRole('region', { name: '结果' }))).toEqual(['磁盘'])
  await user.keyboard('j{Enter}')
  const drawer = await screen.findByRole('dialog')
  expect(await within(drawer).findByText('磁盘已用 85%')).toBeTruthy()
})

it('follows a running round until it is over, then offers another', async () => {
  let asked = 0
  mockApi({
    ...org,
    'GET /inspect/rounds/r-1': () =>
      ++asked === 1
        ? round([item('a', '内存'), item('b', '端口', { state: 'planned', result: null })], {
            state: 'running',
            finished_at: null,
            worst_state: '',
          })
        : round([item('a', '内存'), item('b', '端口')], { worst_state: 'OK' }),
  })
  await open('/inspect/rounds/r-1')
  expect(await screen.findByText('1 / 2')).toBeTruthy()
  expect(screen.queryByRole('button', { name: /立即巡检/ })).toBeNull()
  expect(await screen.findByRole('button', { name: /立即巡检/ }, { timeout: 5_000 })).toBeTruthy()
})

it('says what was missed and why', async () => {
  mockApi({
    ...org,
    'GET /inspect/rounds/r-1': round(
      [item('a', '内存', { state: 'missed', missed_reason: 'deadline', result: null })],
      { missed: 1, ran: 0, missed_reason: 'server_stopped', worst_state: 'UNKNOWN' },
    ),
  })
  await open('/inspect/rounds/r-1')
  expect(await screen.findByText('服务器未运行')).toBeTruthy()
  expect(screen.getByText('超过轮次时限')).toBeTruthy()
})

it('starts a round by the key r on the page of a plan, and says when one is running already', async () => {
  const server = mockApi({
    ...org,
    'GET /inspect/plans/p-1': plan,
    'GET /inspect/rounds': pageOf([]),
    'GET /inspect/gaps': pageOf([
      {
        id: 'g',
        plan_id: 'p-1',
        from: '2026-11-23T00:00:00Z',
        to: '2026-11-23T01:00:00Z',
        missed_rounds: 12,
        reason: 'clock_forward',
        noted_at: '',
      },
    ]),
    'POST /inspect/plans/p-1/run': problem(409, 'already_running'),
  })
  const { user } = await open('/inspect/plans/p-1')
  expect(await screen.findByText('每 5 分钟')).toBeTruthy()
  expect(await screen.findByText('时钟前跳或主机休眠')).toBeTruthy()
  await user.keyboard('r')
  await screen.findByText('已有一次正在执行，请等待其完成。')
  expect(server.to('POST /inspect/plans/p-1/run')).toHaveLength(1)
})

it('makes a plan with an interval in its own unit', async () => {
  const server = mockApi({
    ...org,
    'GET /inspect/plans': pageOf([]),
    'POST /inspect/plans/preview': ahead,
    'GET /inspect/plans/p-1/ahead': ahead,
    'POST /inspect/plans': plan,
    'GET /inspect/plans/p-1': plan,
    'GET /inspect/rounds': pageOf([]),
    'GET /inspect/gaps': pageOf([]),
  })
  const { user } = await open('/inspect/plans')
  await user.click((await screen.findAllByRole('button', { name: /新建计划/ }))[0]!)
  const form = await screen.findByRole('dialog')
  fill(within(form).getByLabelText('计划名称'), '夜间巡检')
  const every = within(form).getByLabelText('间隔')
  fill(every, '90')
  await user.click(within(form).getByRole('button', { name: '新建计划' }))
  await waitFor(() => expect(server.to('POST /inspect/plans')).toHaveLength(1))
  expect(server.to('POST /inspect/plans')[0]!.body).toMatchObject({
    name: '夜间巡检',
    interval_seconds: 5_400,
    area_path: '/45/',
  })
})

it('a plan by times of the day on workdays, denser in filing periods', async () => {
  const server = mockApi({
    ...org,
    'GET /inspect/kinds': { items: [] },
    'GET /inspect/plans': pageOf([]),
    'POST /inspect/plans/preview': ahead,
    'POST /inspect/plans': plan,
    'GET /inspect/plans/p-1': plan,
    'GET /inspect/plans/p-1/ahead': ahead,
    'GET /inspect/rounds': pageOf([]),
    'GET /inspect/gaps': pageOf([]),
  })
  const { user } = await open('/inspect/plans')
  await user.click((await screen.findAllByRole('button', { name: /新建计划/ }))[0]!)
  const form = await screen.findByRole('dialog')
  fill(within(form).getByLabelText('计划名称'), '早巡检')
  await user.click(within(form).getByRole('radio', { name: '按时刻' }))
  await user.type(within(form).getByLabelText('时刻（北京时间）'), '08:20{Enter}')
  await user.click(within(form).getByRole('radio', { name: '仅工作日（含补班）' }))
  await user.click(within(form).getByRole('radio', { name: '保障期内加密' }))
  await screen.findByText(/放假安排未公布，按每天执行/)
  await screen.findByText('当前包含 1 个资产的 3 个检查项')
  await user.click(within(form).getByRole('button', { name: '新建计划' }))
  await waitFor(() => expect(server.to('POST /inspect/plans')).toHaveLength(1))
  expect(server.to('POST /inspect/plans')[0]!.body).toMatchObject({
    name: '早巡检',
    timing: {
      rhythm: 'times',
      times: ['08:20'],
      days: 'workdays',
      protection: 'denser',
      periods: [],
      dense_seconds: 600,
    },
  })
})

it('a plan that inspects nothing says so', async () => {
  mockApi({
    ...org,
    'GET /inspect/plans/p-1': { ...plan, state: 'empty', check_count: 0, empty_since: '2026-11-24T01:00:00Z' },
    'GET /inspect/plans/p-1/ahead': { ...ahead, checks: 0 },
    'GET /inspect/rounds': pageOf([]),
    'GET /inspect/gaps': pageOf([]),
  })
  await open('/inspect/plans/p-1')
  await screen.findByText('自 2026-11-24 09:00 起没有检查项，未执行过任何一轮')
  expect(screen.queryByRole('button', { name: /立即巡检/ })).toBeNull()
})
