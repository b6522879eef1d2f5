import { fireEvent, screen, waitFor, within } from '@testing-library/react'
import { expect, it } from 'vitest'
import type { Account, Role } from '@/shared/api/types'
import { me, mockApi, noContent, pageOf, problem } from '@/test/api'
import { renderApp } from '@/test/render'
import { routes } from './routes'

const account = (more: Partial<Account>): Account => ({
  id: 'a-2',
  login: 'wanghy',
  display_name: '王海燕',
  state: 'active',
  totp_enabled: true,
  grants: [{ role: 'engineer', area_path: '/45/', system_id: '' }],
  created_at: '2026-01-01T00:00:00Z',
  version: 4,
  erased: false,
  awaits_confirmation: false,
  confirmed: true,
  ...more,
})

const role = (name: string, title: string, ...excludes: string[]): Role => ({
  role: name,
  title_zh: title,
  title_en: name,
  permissions: [],
  excludes,
})

const base = {
  'GET /me': me,
  'GET /access/accounts': pageOf([account({})]),
  'GET /access/accounts/a-2': account({}),
  'GET /access/roles': {
    items: [
      role('system_admin', '系统管理员', 'auditor'),
      role('auditor', '审计员', 'system_admin'),
      role('engineer', '运维工程师'),
    ],
  },
  'GET /org/areas': {
    items: [{ path: '/45/', code: '45', name_zh: '区局', name_en: 'Bureau', parent_path: '', level: 1 }],
  },
  'GET /org/systems': { items: [] },
}

const link = 'https://host/invite#token=once'
const open = (path: string, handlers: Parameters<typeof mockApi>[0], who = me) => {
  const server = mockApi({ ...base, ...handlers })
  return renderApp({ path, me: who, routes }).then((view) => ({ ...view, server }))
}

async function choose(box: HTMLElement, text: string) {
  fireEvent.mouseDown(box)
  const options = await screen.findAllByText(text, {
    selector: '.ant-select-item-option-content *, .ant-select-item-option-content',
  })
  fireEvent.click(options.at(-1)!)
}

it('creates an account and shows its invitation link this once', async () => {
  const { user, server } = await open('/access/accounts', {
    'POST /access/accounts': {
      account: account({ id: 'a-9' }),
      invitation_url: link,
      expires_at: '2026-03-01T00:00:00Z',
    },
  })
  await screen.findByText('王海燕')
  await user.click(screen.getByRole('button', { name: /新建账号/ }))
  const form = within(await screen.findByRole('dialog'))
  await user.type(form.getByLabelText('姓名'), '刘思远')
  await user.type(form.getByLabelText('账号'), 'liusy')
  await user.click(form.getByRole('button', { name: /添加角色/ }))
  await user.click(form.getByRole('button', { name: '创建并生成邀请链接' }))
  await form.findByText('请为每一行选择角色')
  await choose(form.getByRole('combobox', { name: '角色' }), '运维工程师')
  await user.click(form.getByRole('button', { name: '创建并生成邀请链接' }))
  await screen.findByText(link)
  const sent = server.to('POST /access/accounts')
  expect(sent).toHaveLength(1)
  expect(sent[0]!.body).toEqual({
    login: 'liusy',
    display_name: '刘思远',
    grants: [{ role: 'engineer', area_path: '/45/', system_id: '' }],
  })
  expect(sent[0]!.headers['Idempotency-Key']).toMatch(/^[0-9a-f-]{36}$/)
  await user.click(screen.getByRole('button', { name: '我已保存链接' }))
  await waitFor(() => expect(screen.queryByText(link)).toBeNull())
})

it('shows clashing duties on trial and says when somebody else was faster', async () => {
  const everywhere = { area_path: '/45/', system_id: '' }
  const both = account({
    grants: [
      { role: 'system_admin', ...everywhere },
      { role: 'auditor', ...everywhere },
    ],
  })
  const { user, server } = await open('/access/accounts?open=a-2', {
    'GET /access/accounts/a-2': both,
    'PATCH /access/accounts/a-2': problem(409, 'stale'),
  })
  await user.click(await screen.findByRole('button', { name: '编辑' }))
  await screen.findByText('“系统管理员”与“审计员”不能由同一账号兼任。')
  await screen.findByText('试用期间允许，投产前必须调整。')
  await user.click(screen.getByRole('button', { name: '保存' }))
  await screen.findByText('该记录刚被他人修改，请重新加载后再试。')
  expect(server.to('PATCH /access/accounts/a-2')[0]!.body).toEqual({ version: 4, grants: both.grants })
})

it('does not offer an excluded role in production', async () => {
  const admin = account({ grants: [{ role: 'system_admin', area_path: '/45/', system_id: '' }] })
  const { user } = await open(
    '/access/accounts?open=a-2',
    { 'GET /access/accounts/a-2': admin },
    { ...me, mode: 'production' },
  )
  await user.click(await screen.findByRole('button', { name: '编辑' }))
  await user.click(await screen.findByRole('button', { name: /添加角色/ }))
  fireEvent.mouseDown(within(screen.getByRole('group', { name: '第 2 行' })).getByRole('combobox', { name: '角色' }))
  await screen.findByText('与系统管理员互斥')
  const option = screen.getByText('与系统管理员互斥').closest('.ant-select-item-option')
  expect(option?.className).toContain('ant-select-item-option-disabled')
})

it('has a second administrator confirm the person in production, on the account as it was looked at', async () => {
  const waiting = account({
    state: 'invited',
    awaits_confirmation: true,
    confirmed: false,
    grants: [{ role: 'auditor', area_path: '/45/', system_id: '' }],
  })
  const security = {
    ...me,
    mode: 'production' as const,
    permissions: ['access.account.read', 'access.account.confirm'],
  }
  const { user, server } = await open(
    '/access/accounts?open=a-2',
    { 'GET /access/accounts/a-2': waiting, 'POST /access/accounts/a-2/confirm': account({}) },
    security,
  )
  await screen.findByText('待核实本人')
  await user.click(await screen.findByRole('button', { name: '更多操作' }))
  await user.click(await screen.findByText('核实本人'))
  await user.type(await screen.findByLabelText('原因'), '当面核对工牌')
  await user.click(screen.getByRole('button', { name: '已核实本人' }))
  await waitFor(() => expect(server.to('POST /access/accounts/a-2/confirm')).toHaveLength(1))
  expect(server.to('POST /access/accounts/a-2/confirm')[0]!.body).toEqual({ reason: '当面核对工牌', version: 4 })
})

it('removes an account only with its name typed and a reason', async () => {
  const { user, server } = await open('/access/accounts?open=a-2', {
    'POST /access/accounts/a-2/remove': account({ state: 'removed' }),
  })
  await user.click(await screen.findByRole('button', { name: '更多操作' }))
  await user.click(await screen.findByText('移除账号'))
  await user.type(await screen.findByLabelText('原因'), '合同期满离岗')
  await user.click(screen.getByRole('button', { name: '移除' }))
  expect(server.to('POST /access/accounts/a-2/remove')).toHaveLength(0)
  await user.type(screen.getByLabelText('请输入 wanghy 以确认'), 'wanghy')
  await user.click(screen.getByRole('button', { name: '移除' }))
  await waitFor(() => expect(server.to('POST /access/accounts/a-2/remove')).toHaveLength(1))
  expect(server.to('POST /access/accounts/a-2/remove')[0]!.body).toEqual({ reason: '合同期满离岗' })
})

it('does not let somebody lock themselves out', async () => {
  const self = account({ id: 'a-1', login: 'chenli', display_name: '陈立' })
  const { user } = await open('/access/accounts?open=a-1', { 'GET /access/accounts/a-1': self })
  await user.click(await screen.findByRole('button', { name: '更多操作' }))
  await screen.findByText('重新生成邀请链接')
  expect(screen.queryByText('停用账号')).toBeNull()
})

it('lists what production still needs and refuses to declare it', async () => {
  await open('/access/production', {
    'GET /access/production': {
      mode: 'trial',
      missing: [{ code: 'auditor', title_zh: '需要一名审计员', title_en: 'An auditor' }],
    },
  })
  await screen.findByText('需要一名审计员')
  expect((screen.getByRole('button', { name: '声明投产' }) as HTMLButtonElement).disabled).toBe(true)
})

it('enrols the second factor and shows the recovery codes', async () => {
  const { user, server, queryClient } = await open('/profile', {
    'GET /me/sessions': { items: [] },
    'POST /me/totp/begin': { secret: 'ABCDEFGH', uri: 'otpauth://totp/x' },
    'POST /me/totp/confirm': ({ body }) =>
      (body as { code: string }).code === '123456' ? { recovery_codes: ['aaaa-1111'] } : problem(422, 'totp_invalid'),
  })
  await user.click(await screen.findByRole('button', { name: '启用' }))
  await screen.findByText('ABCD EFGH')
  // A change elsewhere must not swap the secret under the person's hands.
  await queryClient.invalidateQueries()
  await user.type(screen.getByLabelText('应用显示的数字'), '000000')
  await user.click(screen.getByRole('button', { name: '验证并启用' }))
  await screen.findByText('动态口令不正确或已用过。')
  await user.clear(screen.getByLabelText('应用显示的数字'))
  await user.type(screen.getByLabelText('应用显示的数字'), '123 456')
  await user.click(screen.getByRole('button', { name: '验证并启用' }))
  await screen.findByText('aaaa-1111')
  expect(server.to('POST /me/totp/begin')).toHaveLength(1)
})

it('ends the session of another device', async () => {
  const session = { created_at: '2026-01-01T00:00:00Z', last_seen_at: '2026-01-01T00:00:00Z', user_agent: 'curl/8' }
  const { user, server } = await open('/profile', {
    'GET /me/sessions': {
      items: [
        { ...session, id: 's-1', remote: '10.0.0.1', current: true },
        { ...session, id: 's-2', remote: '10.0.0.2', current: false },
      ],
    },
    'DELETE /me/sessions/s-2': noContent(),
  })
  await user.click(await screen.findByRole('button', { name: '退出 10.0.0.2' }))
  await screen.findByText('已退出该设备')
  expect(server.to('DELETE /me/sessions/s-2')).toHaveLength(1)
})
