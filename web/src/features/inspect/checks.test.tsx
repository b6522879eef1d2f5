import { screen, waitFor, within } from '@testing-library/react'
import { expect, it } from 'vitest'
import { fill, mockApi, pageOf, problem } from '@/test/api'
import { renderApp } from '@/test/render'
import { check, engineer, kinds, org, result } from './fixtures'
import { routes } from './routes'

const asset = { id: 'as-1', number: 'AST-2026-0001', name: 'host-1', state: 'active' }

const base = {
  ...org,
  'GET /inspect/kinds': kinds,
  'GET /inspect/plans': pageOf([]),
  'GET /fleet/assets': pageOf([asset]),
  'GET /fleet/assets/as-1': asset,
}

const list = () =>
  mockApi({
    ...base,
    'GET /inspect/checks': ({ query }) => {
      if (query.reason === 'no_source') return pageOf([{ ...check, class: 'service' }], { total: 1 })
      if (query.limit === '1') return pageOf([check], { total: query.state ? 3 : 12 })
      return pageOf([check])
    },
    'POST /inspect/checks': ({ body }) => ({ ...check, id: 'c-9', ...(body as object) }),
    'GET /inspect/checks/c-9': { ...check, id: 'c-9', current: null, open_finding_id: '' },
    'GET /inspect/checks/c-9/history': { series: [], states: [] },
    'GET /inspect/checks/c-9/threshold-changes': { items: [] },
    'GET /inspect/results': pageOf([]),
  })

const detail = () =>
  mockApi({
    ...base,
    'GET /inspect/checks/c-1': check,
    'GET /inspect/checks/c-1/history': { series: [], states: [] },
    'GET /inspect/checks/c-1/threshold-changes': { items: [] },
    'GET /inspect/results': pageOf([result()]),
    'PATCH /inspect/checks/c-1': check,
  })

const open = (path: string) => renderApp({ path, me: engineer, routes })

it('counts by class what there is and what calls for a person, without what has no source', async () => {
  list()
  await open('/inspect/checks')
  const all = await screen.findByRole('button', { name: /^全部/ })
  await waitFor(() => expect(all.textContent).toBe('全部122 需要处理'))
})

it('shows the gravest value with the threshold that it crossed, and the way to its finding', async () => {
  list()
  await open('/inspect/checks')
  const row = (await screen.findByText('http://127.0.0.1:8080')).closest('tr')!
  expect(within(row).getByText('严重')).toBeTruthy()
  expect(within(row).getByTitle('耗时').textContent).toBe('8 秒> 5 秒')
  expect(within(row).getByRole('link', { name: '查看' }).getAttribute('href')).toBe('/inspect/findings/f-1')
})

it('makes a check from what its kind declares: typed settings, only the ranges that differ', async () => {
  const server = list()
  const { user, router } = await open('/inspect/checks?new=as-1')
  const form = await screen.findByRole('dialog')
  await user.click(within(form).getByLabelText('检查类型'))
  await user.click(await screen.findByTitle('HTTP 服务'))
  await within(form).findByText('请求一个地址。')
  expect(within(form).getByLabelText<HTMLInputElement>(/状态码/).value).toBe('200')

  await user.click(within(form).getByRole('button', { name: '添加检查项' }))
  await within(form).findByText('请填写地址')
  expect(server.to('POST /inspect/checks')).toHaveLength(0)

  fill(within(form).getByLabelText(/地址/), ' http://127.0.0.1:9/ ')
  fill(within(form).getByLabelText(/令牌/), 'geheim')
  const crit = within(form).getAllByLabelText('严重阈值')[0]!
  fill(crit, 'often')
  await user.click(within(form).getByRole('button', { name: '添加检查项' }))
  await within(form).findByText('格式应为 80、10:、~:5 或 @1:5')
  fill(crit, '10')
  await user.click(within(form).getByRole('button', { name: '添加检查项' }))

  await waitFor(() => expect(server.to('POST /inspect/checks')).toHaveLength(1))
  const call = server.to('POST /inspect/checks')[0]!
  expect(call.body).toEqual({
    asset_id: 'as-1',
    kind: 'service.http',
    params: { url: 'http://127.0.0.1:9/', status: 200, token: 'geheim' },
    warn: {},
    crit: { time: '10' },
  })
  expect(call.headers['Idempotency-Key']).toMatch(/^[0-9a-f-]{36}$/)
  await waitFor(() => expect(router.state.location.pathname).toBe('/inspect/checks/c-9'))
})

it('puts what the server refuses at the field, also inside settings and ranges', async () => {
  const server = list()
  server.handlers['POST /inspect/checks'] = problem(422, 'invalid', {
    errors: [
      { location: 'body.params.url', message: 'must be an address', code: 'rule' },
      { location: 'body.crit', message: 'thresholds.time.warn: start is above end', code: 'range' },
    ],
  })
  const { user } = await open('/inspect/checks?new=as-1')
  const form = await screen.findByRole('dialog')
  await user.click(within(form).getByLabelText('检查类型'))
  await user.click(await screen.findByTitle('HTTP 服务'))
  fill(await within(form).findByLabelText(/地址/), 'x')
  await user.click(within(form).getByRole('button', { name: '添加检查项' }))
  await within(form).findByText('must be an address')
  expect(within(form).getByText('阈值格式不正确')).toBeTruthy()
})

it('says the state large, what was told without secrets, and links to the finding', async () => {
  detail()
  await open('/inspect/checks/c-1')
  const state = await screen.findByRole('region', { name: '状态' })
  expect(state.textContent).toContain('严重')
  expect(within(state).getByRole('link', { name: '查看未消除的隐患' }).getAttribute('href')).toBe(
    '/inspect/findings/f-1',
  )
  expect(await screen.findByText('已设置（不显示）')).toBeTruthy()
})

it('changes a check with a reason and its version, and leaves a secret that nobody typed', async () => {
  const server = detail()
  const { user } = await open('/inspect/checks/c-1')
  await user.click(await screen.findByRole('button', { name: /编辑/ }))
  const form = await screen.findByRole('dialog')
  expect((await within(form).findByLabelText<HTMLInputElement>(/令牌/)).placeholder).toBe('已设置，留空则不变')
  await user.click(within(form).getByRole('button', { name: '保存' }))
  await within(form).findByText('请至少写 4 个字')
  fill(within(form).getByLabelText('原因'), '放宽到十秒')
  await user.click(within(form).getByRole('button', { name: '保存' }))
  await waitFor(() => expect(server.to('PATCH /inspect/checks/c-1')).toHaveLength(1))
  expect(server.to('PATCH /inspect/checks/c-1')[0]!.body).toEqual({
    params: { url: 'http://127.0.0.1:8080', status: 200 },
    warn: {},
    crit: { time: '5' },
    reason: '放宽到十秒',
    version: 4,
  })
})

it('tries a check out without keeping the result', async () => {
  const server = detail()
  server.handlers['POST /inspect/checks/c-1/try'] = result({ summary: '试跑正常' })
  const { user } = await open('/inspect/checks/c-1')
  await user.click(await screen.findByRole('button', { name: /试跑/ }))
  const drawer = await screen.findByRole('dialog')
  expect(await within(drawer).findByText('试跑正常')).toBeTruthy()
  expect(drawer.textContent).toContain('不保存结果')
})

it('hides what the person may not do', async () => {
  detail()
  await renderApp({ path: '/inspect/checks/c-1', me: { ...engineer, permissions: ['inspect.read'] }, routes })
  await screen.findByRole('region', { name: '状态' })
  expect(screen.queryByRole('button', { name: /试跑|编辑/ })).toBeNull()
})
