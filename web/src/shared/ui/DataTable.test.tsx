import { screen, waitFor, within } from '@testing-library/react'
import { expect, it, vi } from 'vitest'
import { api, type Query } from '@/shared/api/client'
import * as file from '@/shared/lib/file'
import type { Page } from '@/shared/api/types'
import { mockApi, pageOf, problem } from '@/test/api'
import { renderPage } from '@/test/render'
import { DataTable } from './DataTable'
import { FilterSelect } from './FilterSelect'

interface Row {
  id: string
  name: string
}

const opened = vi.fn()
const filterKeys = ['q', 'state'] as const

function List() {
  return (
    <DataTable<Row>
      queryKey={['demo', 'rows']}
      fetch={(query: Query, signal) => api.get<Page<Row>>('/demo/rows', { query, signal })}
      columns={[
        { key: 'name', title: '名称', sort: 'name', render: (row) => row.name },
        { key: 'id', title: '标识', render: (row) => row.id },
      ]}
      rowKey={(row) => row.id}
      filterKeys={filterKeys}
      filters={<FilterSelect name="state" label="状态" options={[{ value: 'open', label: '未关闭' }]} />}
      exportPath="/demo/rows/export"
      onOpen={opened}
    />
  )
}

const rows = (from: number, count: number): Row[] =>
  Array.from({ length: count }, (_, i) => ({ id: `id-${from + i}`, name: `行 ${from + i}` }))

it('asks with the filters of the address and leads through pages by cursor', async () => {
  const server = mockApi({
    'GET /demo/rows': ({ query }) =>
      query.cursor === 'c1'
        ? pageOf(rows(2, 1), { total: 10_000, total_capped: true })
        : pageOf(rows(0, 2), { next_cursor: 'c1', total: 10_000, total_capped: true }),
  })
  const { user } = await renderPage(List, { path: '/page?state=open&sort=-name' })
  await screen.findByText('行 0')
  expect(server.calls[0]!.query).toEqual({ state: 'open', sort: '-name', limit: '50' })
  expect(screen.getByText('共 10,000+ 条')).toBeTruthy()

  await user.click(screen.getByRole('button', { name: '下一页' }))
  await screen.findByText('行 2')
  expect(server.calls.at(-1)!.query.cursor).toBe('c1')
  expect(screen.getByText('第 2 页')).toBeTruthy()
  await user.click(screen.getByRole('button', { name: '上一页' }))
  await screen.findByText('行 0')
})

it('puts a search into the address and begins at the first page again', async () => {
  const server = mockApi({ 'GET /demo/rows': ({ query }) => pageOf(query.q ? [] : rows(0, 1)) })
  const { user, router } = await renderPage(List)
  await screen.findByText('行 0')
  await user.type(screen.getByRole('textbox', { name: '搜索' }), '发票{Enter}')
  await screen.findByText('没有符合筛选条件的记录')
  expect(router.state.location.search).toEqual({ q: '发票' })
  expect(server.calls.at(-1)!.query).toEqual({ q: '发票', limit: '50' })
  await user.click(screen.getByRole('button', { name: '清除筛选' }))
  await screen.findByText('行 0')
  expect(router.state.location.search).toEqual({})
})

it('is worked by keyboard: j, k, Enter, and / for the search', async () => {
  mockApi({ 'GET /demo/rows': pageOf(rows(0, 3)) })
  const { user } = await renderPage(List)
  await screen.findByText('行 0')
  await user.keyboard('jjk{Enter}')
  expect(opened).toHaveBeenLastCalledWith(expect.objectContaining({ id: 'id-0' }))
  await user.keyboard('/')
  expect(document.activeElement).toBe(screen.getByRole('textbox', { name: '搜索' }))
})

it('says which request failed and tries again', async () => {
  let broken = true
  mockApi({ 'GET /demo/rows': () => (broken ? problem(500, 'internal') : pageOf(rows(0, 1))) })
  const { user } = await renderPage(List)
  const alert = await screen.findByRole('alert')
  expect(within(alert).getByText('req-1')).toBeTruthy()
  broken = false
  await user.click(within(alert).getByRole('button', { name: '重试' }))
  await screen.findByText('行 0')
})

it('has the server write the filtered list as a file', async () => {
  const save = vi.spyOn(file, 'saveFile').mockImplementation(() => undefined)
  const server = mockApi({
    'GET /demo/rows': pageOf(rows(0, 1)),
    'GET /demo/rows/export': () => new Response('content'),
  })
  const { user } = await renderPage(List, { path: '/page?state=open&sort=-name' })
  await screen.findByText('行 0')
  await user.click(screen.getByRole('button', { name: /导出/ }))
  await user.click(await screen.findByText(/Excel/))
  await waitFor(() => expect(save).toHaveBeenCalled())
  expect(save.mock.calls[0]![0]).toMatch(/^rows-\d{4}-\d\d-\d\d\.xlsx$/)
  expect(server.calls.at(-1)!.query).toEqual({ state: 'open', sort: '-name', format: 'xlsx', lang: 'zh-CN' })
})

it('saves nothing of a list that is too long, and says why', async () => {
  const save = vi.spyOn(file, 'saveFile').mockImplementation(() => undefined)
  mockApi({
    'GET /demo/rows': pageOf(rows(0, 1)),
    'GET /demo/rows/export': problem(422, 'export_too_long'),
  })
  const { user } = await renderPage(List)
  await screen.findByText('行 0')
  await user.click(screen.getByRole('button', { name: /导出/ }))
  await user.click(await screen.findByText(/CSV/))
  await screen.findByText(/100,000/)
  expect(save).not.toHaveBeenCalled()
})
