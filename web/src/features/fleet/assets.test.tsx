import { screen, waitFor, within } from '@testing-library/react'
import { expect, it } from 'vitest'
import type { Asset } from '@/shared/api/fleet'
import { fill, me, mockApi, pageOf, problem } from '@/test/api'
import { renderApp } from '@/test/render'
import { routes } from './routes'

const keeper = { ...me, permissions: ['fleet.read', 'fleet.manage', 'inspect.read'] }

const asset: Asset = {
  id: 'as-1',
  number: 'AST-2026-0001',
  kind: 'host',
  name: 'host-1',
  hostname: 'host-1.local',
  parent_id: '',
  area_path: '/45/',
  system_id: 'sys-1',
  state: 'active',
  facts: {
    os: 'Debian 12',
    kernel: '6.1',
    arch: 'amd64',
    cpus: 2,
    memory_bytes: 8 * 2 ** 30,
    machine: 'm',
    agent: 'local',
  },
  labels: { room: '一号机房' },
  environment: 'production',
  criticality: 'core',
  owner_id: '',
  owner_name: '张三',
  owner_phone: '',
  address: '10.45.1.11',
  os: '',
  vendor: '',
  model: '',
  serial: '',
  location: '',
  warranty_until: '',
  reach: 'local',
  created_at: '2026-11-24T00:00:00Z',
  updated_at: '2026-11-24T00:00:00Z',
  version: 3,
  worst_state: 'WARNING',
}

const server = () =>
  mockApi({
    'GET /org/areas': {
      items: [
        { path: '/45/', name_zh: '区局', name_en: 'Region' },
        { path: '/45/4501/', name_zh: '南宁市局', name_en: 'Nanning' },
      ],
    },
    'GET /org/systems': { items: [{ id: 'sys-1', key: 'platform', name_zh: '运维平台', name_en: 'Platform' }] },
    'GET /fleet/assets': pageOf([asset]),
    'GET /fleet/tree': {
      items: [
        { area_path: '/45/', system_id: 'sys-1', kind: 'host', count: 2 },
        { area_path: '/45/4501/', system_id: 'sys-1', kind: 'component', count: 3 },
      ],
    },
    'GET /fleet/assets/as-1/history': {
      items: [
        {
          seq: 7,
          type: 'fleet.asset.changed',
          at: '2026-11-24T01:00:00Z',
          actor_kind: 'account',
          actor_id: 'a1',
          actor_name: '王海燕',
          source: 'IMP-2026-0003',
          reason: '',
          link: '',
          to_id: '',
          to_name: '',
          changes: [{ name: 'environment', before: 'test', after: 'production' }],
        },
      ],
    },
    'GET /fleet/assets/as-1': asset,
    'GET /inspect/checks': pageOf([]),
    'PATCH /fleet/assets/as-1': asset,
  })

const open = (path: string, who = keeper) => renderApp({ path, me: who, routes })

it('lists assets with their worst state and opens one by keyboard', async () => {
  server()
  const { user, router } = await open('/fleet/assets')
  const row = (await screen.findByText('AST-2026-0001')).closest('tr')!
  expect(within(row).getByText('警告')).toBeTruthy()
  await within(row).findByText('运维平台')
  await user.keyboard('j{Enter}')
  await waitFor(() => expect(router.state.location.pathname).toBe('/fleet/assets/as-1'))
})

it('shows facts with units and asks for the checks of this asset only', async () => {
  const api = server()
  await open('/fleet/assets/as-1')
  expect(await screen.findByText('8 GiB')).toBeTruthy()
  expect(screen.getByText('room=一号机房')).toBeTruthy()
  await waitFor(() => expect(api.to('GET /inspect/checks')[0]!.query.asset_id).toBe('as-1'))
})

it('changes name and labels with the version that was read', async () => {
  const api = server()
  const { user } = await open('/fleet/assets/as-1')
  await user.click(await screen.findByRole('button', { name: /编辑/ }))
  const form = await screen.findByRole('dialog')
  const name = within(form).getByLabelText('名称', { selector: '#name' })
  fill(name, 'host-2')
  await user.click(within(form).getByRole('button', { name: /添加标签/ }))
  const keys = within(form).getAllByLabelText('名称', { selector: '[aria-label]' })
  fill(keys[1]!, 'Rack')
  await user.click(within(form).getByRole('button', { name: '保存' }))
  await within(form).findByText(/小写字母开头/)
  fill(keys[1]!, 'rack')
  fill(within(form).getAllByLabelText('取值')[1]!, 'B3')
  await user.click(within(form).getByRole('button', { name: '保存' }))
  await waitFor(() => expect(api.to('PATCH /fleet/assets/as-1')).toHaveLength(1))
  expect(api.to('PATCH /fleet/assets/as-1')[0]!.body).toEqual({
    name: 'host-2',
    area_path: '/45/',
    system_id: 'sys-1',
    labels: { room: '一号机房', rack: 'B3' },
    values: {},
    version: 3,
  })
})

it('retires only after a reason and the typed number', async () => {
  const api = server()
  api.handlers['POST /fleet/assets/as-1/retire'] = { ...asset, state: 'retired' }
  const { user } = await open('/fleet/assets/as-1')
  await user.click(await screen.findByRole('button', { name: '更多操作' }))
  await user.click(await screen.findByText('下线'))
  const dialog = await screen.findByRole('dialog')
  fill(within(dialog).getByLabelText('原因'), '设备报废')
  await user.click(within(dialog).getByRole('button', { name: '下线' }))
  expect(api.to('POST /fleet/assets/as-1/retire')).toHaveLength(0)
  fill(within(dialog).getByLabelText(/AST-2026-0001/), 'AST-2026-0001')
  await user.click(within(dialog).getByRole('button', { name: '下线' }))
  await waitFor(() =>
    expect(api.to('POST /fleet/assets/as-1/retire')[0]?.body).toEqual({ reason: '设备报废', version: 3 }),
  )
})

it('says that an asset is not there, or not for this person', async () => {
  const api = server()
  api.handlers['GET /fleet/assets/as-1'] = problem(404, 'not_found')
  await open('/fleet/assets/as-1')
  expect(await screen.findByText('对象不存在，或当前账号无权查看。')).toBeTruthy()
})

it('narrows the list by the tree, and changes what was ticked together', async () => {
  const api = server()
  api.handlers['POST /fleet/assets/bulk'] = { changed: 1 }
  const { user, router } = await open('/fleet/assets')
  const tree = await screen.findByRole('navigation', { name: '按机构与系统' })
  expect(await within(tree).findByRole('button', { name: '全部资产 5' })).toBeTruthy()
  await user.click(await within(tree).findByRole('button', { name: '南宁市局 3' }))
  await waitFor(() => expect(router.state.location.search).toEqual({ area_path: '/45/4501/' }))
  const row = (await screen.findByText('AST-2026-0001')).closest('tr')!
  await user.click(within(row).getByRole('checkbox'))
  await user.click(await screen.findByRole('button', { name: '批量修改' }))
  const form = await screen.findByRole('dialog')
  fill(within(form).getByLabelText('责任人'), '李四')
  await user.click(within(form).getByRole('button', { name: '保存' }))
  await waitFor(() =>
    expect(api.to('POST /fleet/assets/bulk')[0]?.body).toEqual({ ids: ['as-1'], values: { owner_name: '李四' } }),
  )
})

it('shows what happened to an asset with values before and after', async () => {
  server()
  await open('/fleet/assets/as-1')
  const history = await screen.findByRole('region', { name: '变更历史' })
  const row = (await within(history).findByText(/来自导入 IMP-2026-0003/)).closest('li')!
  expect(row.textContent).toContain('环境 测试 → 生产')
})
