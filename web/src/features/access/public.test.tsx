import { screen, waitFor } from '@testing-library/react'
import { expect, it } from 'vitest'
import { me, mockApi, problem } from '@/test/api'
import { renderApp } from '@/test/render'
import { publicRoutes } from './routes'

const password = '漓江 2026 慢慢走的竹筏'
const notNeeded = { needed: false }

it('signs in with the second factor when the account has one, and goes on to where one wanted', async () => {
  const server = mockApi({
    'GET /access/setup': notNeeded,
    'POST /access/sign-in': ({ body }) => {
      const { totp } = body as { totp?: string }
      if (!totp) return problem(401, 'totp_required')
      return totp === '123456' ? me : problem(401, 'totp_invalid')
    },
  })
  const { user, router } = await renderApp({ path: '/sign-in?next=%2F%3Ftab%3Dx', publicRoutes })
  await user.type(await screen.findByLabelText('账号'), ' chenli ')
  await user.type(screen.getByLabelText('密码'), 'pw')
  await user.click(screen.getByRole('button', { name: '登录' }))
  await user.type(await screen.findByLabelText('动态口令'), '000000')
  await user.click(screen.getByRole('button', { name: '登录' }))
  await screen.findByText('动态口令不正确或已用过。')
  await user.type(screen.getByLabelText('动态口令'), '123456')
  await user.click(screen.getByRole('button', { name: '登录' }))
  await screen.findByText('首页')
  expect(router.state.location.href).toBe('/?tab=x')
  expect(server.to('POST /access/sign-in').at(-1)!.body).toEqual({ login: 'chenli', password: 'pw', totp: '123456' })
})

it.each([
  ['bad_credentials', 401, '账号或密码不正确。'],
  ['locked', 429, '连续多次失败，账号已暂时锁定。 请在 5 分钟后再试。'],
  ['rate_limited', 429, '操作过于频繁，请稍后再试。'],
])('explains a refused sign-in: %s', async (code, status, text) => {
  mockApi({
    'GET /access/setup': notNeeded,
    'POST /access/sign-in': () => problem(status, code, {}, code === 'locked' ? { 'Retry-After': '300' } : {}),
  })
  const { user } = await renderApp({ path: '/sign-in', publicRoutes })
  await user.type(await screen.findByLabelText('账号'), 'chenli')
  await user.type(screen.getByLabelText('密码'), 'pw')
  await user.click(screen.getByRole('button', { name: '登录' }))
  await screen.findByText(text)
})

it('explains the set-up link to whoever comes without one', async () => {
  mockApi({ 'GET /access/setup': { needed: true } })
  await renderApp({ path: '/setup', publicRoutes })
  await screen.findByText(/在服务器控制台打印的完整链接/)
  expect(screen.queryByLabelText('账号')).toBeNull()
})

it('makes the first account', async () => {
  let used = true
  const server = mockApi({
    'GET /access/setup': { needed: true },
    'POST /access/setup': () => (used ? problem(409, 'setup_link_expired') : me),
  })
  const { user } = await renderApp({ path: '/setup#token=t-1', publicRoutes })
  await screen.findByText('安装后处于试用状态')
  await user.type(screen.getByLabelText('姓名'), '陈立')
  await user.type(screen.getByLabelText('账号'), 'chenli')
  await user.type(screen.getByLabelText('新密码'), password)
  await user.type(screen.getByLabelText('再次输入新密码'), password + 'x')
  await user.click(screen.getByRole('button', { name: '创建账号并登录' }))
  await screen.findByText('两次输入的密码不一致')
  expect(server.to('POST /access/setup')).toHaveLength(0)
  await user.type(screen.getByLabelText('再次输入新密码'), '{Backspace}')
  await user.click(screen.getByRole('button', { name: '创建账号并登录' }))
  await screen.findByText(/设置链接已过期/)
  used = false
  await user.click(screen.getByRole('button', { name: '创建账号并登录' }))
  await screen.findByText('首页')
  expect(server.to('POST /access/setup').at(-1)!.body).toEqual({
    token: 't-1',
    login: 'chenli',
    display_name: '陈立',
    password,
  })
})

it('accepts an invitation with a good password only', async () => {
  const server = mockApi({
    'POST /access/invitation': { login: 'liusy', display_name: '刘思远', expires_at: '2026-03-01T00:00:00Z' },
    'POST /access/invitation/accept': me,
  })
  const { user } = await renderApp({ path: '/invite#token=t-2', publicRoutes })
  await screen.findByText('刘思远')
  expect(server.calls[0]).toMatchObject({ path: '/access/invitation', query: {}, body: { token: 't-2' } })
  await user.type(screen.getByLabelText('新密码'), 'short')
  await user.type(screen.getByLabelText('再次输入新密码'), 'short')
  await user.click(screen.getByRole('button', { name: '设置密码并登录' }))
  await screen.findByText(/^至少 12 个字符，或/)
  await user.clear(screen.getByLabelText('新密码'))
  await user.clear(screen.getByLabelText('再次输入新密码'))
  await user.type(screen.getByLabelText('新密码'), password)
  await user.type(screen.getByLabelText('再次输入新密码'), password)
  await user.click(screen.getByRole('button', { name: '设置密码并登录' }))
  await screen.findByText('首页')
  expect(server.to('POST /access/invitation/accept')[0]!.body).toEqual({ token: 't-2', password })
})

it('tells an administrator who accepted that somebody else has to confirm them', async () => {
  mockApi({
    'POST /access/invitation': { login: 'zhao', display_name: '赵敏', expires_at: '2026-03-01T00:00:00Z' },
    'POST /access/invitation/accept': problem(409, 'confirmation_needed'),
  })
  const { user } = await renderApp({ path: '/invite#token=t-3', publicRoutes })
  await user.type(await screen.findByLabelText('新密码'), password)
  await user.type(screen.getByLabelText('再次输入新密码'), password)
  await user.click(screen.getByRole('button', { name: '设置密码并登录' }))
  await screen.findByText(/密码已设置/)
  expect(screen.queryByLabelText('新密码')).toBeNull()
})

it('says when an invitation is no longer good', async () => {
  mockApi({ 'POST /access/invitation': problem(404, 'invitation_expired') })
  await renderApp({ path: '/invite#token=t-2', publicRoutes })
  await waitFor(() => expect(screen.getByText(/邀请链接已过期/)).toBeTruthy())
})
