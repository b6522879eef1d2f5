import { screen, waitFor, within } from '@testing-library/react'
import { expect, it } from 'vitest'
import { fill, mockApi, noContent, pageOf, problem } from '@/test/api'
import { renderApp } from '@/test/render'
import { engineer, finding, org, result } from './fixtures'
import { routes } from './routes'

const people = pageOf([
  { id: 'a-1', login: 'chenli', display_name: '陈立' },
  { id: 'a-2', login: 'wanghaiyan', display_name: '王海燕' },
])

const page = (more = {}) =>
  mockApi({
    ...org,
    'GET /access/accounts': people,
    'GET /inspect/findings/f-1': finding(more),
    'POST /inspect/findings/f-1/see': noContent,
  })

const open = (path: string, me = engineer) => renderApp({ path, me, routes })

it('lists what is not closed, each state with its count under the other filters', async () => {
  const server = mockApi({
    ...org,
    'GET /access/accounts': people,
    'GET /inspect/findings': ({ query }) =>
      query.limit === '1' ? pageOf([], { total: query.state === 'closed' ? 40 : 2 }) : pageOf([finding()]),
  })
  const { user, router } = await open('/inspect/findings?severity=critical')
  await screen.findByText('FND-2026-0003')
  const list = server.to('GET /inspect/findings').find((call) => call.query.limit === '50')!
  expect(list.query).toMatchObject({ state: 'open,assigned,repaired', severity: 'critical' })
  await waitFor(() => expect(screen.getByRole('button', { name: /^未消除/ }).textContent).toBe('未消除6'))
  const counts = server.to('GET /inspect/findings').filter((call) => call.query.limit === '1')
  expect(counts.every((call) => call.query.severity === 'critical')).toBe(true)

  await user.click(screen.getByRole('button', { name: /^已消除/ }))
  await waitFor(() => expect(router.state.location.search).toEqual({ severity: 'critical', state: 'closed' }))
})

it('opens the row under the cursor by keyboard', async () => {
  mockApi({
    ...org,
    'GET /access/accounts': people,
    'GET /inspect/findings': pageOf([finding()]),
    'GET /inspect/findings/f-1': finding(),
    'POST /inspect/findings/f-1/see': noContent,
  })
  const { user, router } = await open('/inspect/findings')
  await screen.findByText('FND-2026-0003')
  await user.keyboard('j{Enter}')
  await waitFor(() => expect(router.state.location.pathname).toBe('/inspect/findings/f-1'))
})

it('notes that it was seen, and tells who has seen it apart from what happened', async () => {
  const server = page()
  await open('/inspect/findings/f-1')
  await screen.findByRole('heading', { level: 1, name: 'HTTP 服务 127.0.0.1' })
  await waitFor(() => expect(server.to('POST /inspect/findings/f-1/see')).toHaveLength(1))
  const steps = document.querySelectorAll('.timeline > li')
  expect(steps).toHaveLength(1)
  expect(steps[0]!.textContent).toContain('发现隐患')
  expect(screen.getByRole('heading', { name: /已查看 1/ }).parentElement!.textContent).toContain('王海燕')
  expect(screen.getByText('下一次检查结果正常时自动消除，不能手工关闭。')).toBeTruthy()
})

it('assigns by the key a to a person, with the proposed time', async () => {
  const server = page()
  server.handlers['POST /inspect/findings/f-1/assign'] = finding({ state: 'assigned' })
  const { user } = await open('/inspect/findings/f-1')
  await screen.findByRole('button', { name: /指派/ })
  await user.keyboard('a')
  const dialog = await screen.findByRole('dialog')
  await user.click(within(dialog).getByLabelText('责任人'))
  await user.click(await screen.findByTitle('王海燕'))
  fill(within(dialog).getByLabelText(/说明/), '请查看')
  await user.click(within(dialog).getByRole('button', { name: '指派' }))
  await waitFor(() => expect(server.to('POST /inspect/findings/f-1/assign')).toHaveLength(1))
  expect(server.to('POST /inspect/findings/f-1/assign')[0]!.body).toEqual({
    account_id: 'a-2',
    due_at: '2099-11-24T04:00:00.000Z',
    note: '请查看',
    version: 5,
  })
})

it('says in the dialog that somebody was faster, and keeps what was typed', async () => {
  const server = page({ state: 'assigned', assignee: { id: 'a-1', display_name: '陈立' } })
  server.handlers['POST /inspect/findings/f-1/repaired'] = problem(409, 'stale')
  const { user } = await open('/inspect/findings/f-1')
  await user.click(await screen.findByRole('button', { name: /登记修复/ }))
  const dialog = await screen.findByRole('dialog')
  await user.click(within(dialog).getByRole('button', { name: '登记修复' }))
  await within(dialog).findByText('请至少写 2 个字')
  fill(within(dialog).getByLabelText('处理说明'), '已重启服务')
  await user.click(within(dialog).getByRole('button', { name: '登记修复' }))
  await within(dialog).findByText('该记录刚被他人修改，请重新加载后再试。')
  expect(within(dialog).getByLabelText<HTMLTextAreaElement>('处理说明').value).toBe('已重启服务')
})

it('adds a comment and empties the box', async () => {
  const server = page()
  server.handlers['POST /inspect/findings/f-1/comment'] = finding()
  const { user } = await open('/inspect/findings/f-1')
  const box = await screen.findByLabelText<HTMLTextAreaElement>('补充说明')
  fill(box, '正在查')
  await user.click(screen.getByRole('button', { name: '补充说明' }))
  await waitFor(() => expect(box.value).toBe(''))
  expect(server.to('POST /inspect/findings/f-1/comment')[0]!.body).toEqual({ text: '正在查' })
})

it('shows the result that opened it', async () => {
  const server = page()
  server.handlers['GET /inspect/results/res-1'] = result({ summary: '第一次异常', details: '第一行' })
  const { user } = await open('/inspect/findings/f-1')
  const buttons = await screen.findAllByRole('button', { name: '查看结果' })
  await user.click(buttons.find((button) => button.closest('.timeline'))!)
  const drawer = await screen.findByRole('dialog')
  expect(await within(drawer).findByText('第一次异常')).toBeTruthy()
  expect(within(drawer).getByText('第一行')).toBeTruthy()
})

it('offers nothing on a closed finding, and nothing to who may only read', async () => {
  page({ state: 'closed', closed_at: '2026-11-24T02:00:00Z', check_state: 'OK' })
  const { unmount } = await open('/inspect/findings/f-1')
  await screen.findByText('检查结果恢复正常，已自动消除。')
  expect(screen.queryByRole('button', { name: /指派|登记修复/ })).toBeNull()
  unmount()

  page()
  await open('/inspect/findings/f-1', { ...engineer, permissions: ['inspect.read'] })
  await screen.findByRole('heading', { level: 1, name: 'HTTP 服务 127.0.0.1' })
  expect(screen.queryByRole('button', { name: /指派/ })).toBeNull()
  expect(screen.queryByLabelText('补充说明')).toBeNull()
})

it('marks what is overdue', async () => {
  page({ state: 'assigned', assignee: { id: 'a-1', display_name: '陈立' }, due_at: '2020-01-01T00:00:00Z' })
  await open('/inspect/findings/f-1')
  expect((await screen.findByText(/^超期/)).className).toContain('overdue')
})
