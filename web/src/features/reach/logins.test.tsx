import { screen, waitFor, within } from '@testing-library/react'
import { expect, it } from 'vitest'
import { fill, me, mockApi, pageOf } from '@/test/api'
import { renderApp } from '@/test/render'
import { routes } from './routes'
import type { Login, Tried } from './queries'

const engineer = { ...me, permissions: ['fleet.read', 'inspect.read', 'inspect.manage'] }

const login: Login = {
  id: 'l-1',
  name: 'db01',
  host: '10.0.0.8',
  port: 22,
  account: 'taxops',
  method: 'key',
  jump_id: '',
  note: '',
  fingerprint: '',
  accepted_by: '',
  accepted_by_name: '',
  area_path: '/45/',
  system_id: '',
  updated_at: '2026-11-24T00:00:00Z',
  version: 1,
}

const unknown: Tried = { ok: false, reason: 'host_key_new', text: '', login: 'db01', offered: 'SHA256:new', pinned: '' }
const works: Tried = { ok: true, reason: '', text: '', login: '', offered: '', pinned: 'SHA256:new' }

const base = {
  'GET /org/areas': { items: [] },
  'GET /org/systems': { items: [] },
  'GET /inspect/logins': pageOf([login]),
  'GET /fleet/assets': pageOf([{ id: 'as-1', number: 'AST-2026-0001', name: 'host-1', state: 'active' }]),
}

const open = () => renderApp({ path: '/inspect/logins', me: engineer, routes })

it('accepts a host key only after a person says that they compared it, then adds checks', async () => {
  let said = unknown
  let stored = login
  const server = mockApi({
    ...base,
    'GET /inspect/logins': () => pageOf([stored]),
    'POST /inspect/logins/l-1/try': () => said,
    'POST /inspect/logins/l-1/accept': () => {
      said = works
      stored = { ...login, fingerprint: 'SHA256:new', accepted_by_name: '陈立', version: 2 }
      return stored
    },
    'POST /inspect/logins/l-1/checks': { added: 16 },
  })
  const { user } = await open()
  await user.click(await screen.findByRole('button', { name: '核对密钥' }))
  const dialog = await screen.findByRole('dialog')
  expect(await within(dialog).findByText('SHA256:new')).toBeTruthy()
  const accept = within(dialog).getByRole('button', { name: '确认此密钥' })
  expect(accept).toHaveProperty('disabled', true)
  await user.click(within(dialog).getByRole('checkbox'))
  await user.click(accept)
  expect(await within(dialog).findByText(/登录成功/)).toBeTruthy()
  expect(server.to('POST /inspect/logins/l-1/accept')[0]!.body).toEqual({ fingerprint: 'SHA256:new', version: 1 })
  await user.click(within(dialog).getByRole('combobox', { name: '加到资产' }))
  await user.click(await screen.findByText('host-1'))
  await user.click(within(dialog).getByRole('button', { name: '加上检查项' }))
  expect(await within(dialog).findByText('新加了 16 个检查项')).toBeTruthy()
  expect(server.to('POST /inspect/logins/l-1/checks')[0]!.body).toEqual({ asset_id: 'as-1' })
})

it('shows both fingerprints of a host whose key has changed', async () => {
  mockApi({
    ...base,
    'GET /inspect/logins': pageOf([{ ...login, fingerprint: 'SHA256:old' }]),
    'POST /inspect/logins/l-1/try': { ...unknown, reason: 'host_key_changed', pinned: 'SHA256:old' },
  })
  const { user } = await open()
  await user.click(await screen.findByRole('button', { name: '试登录' }))
  const dialog = await screen.findByRole('dialog')
  expect(await within(dialog).findByText('SHA256:old')).toBeTruthy()
  expect(within(dialog).getByText('SHA256:new')).toBeTruthy()
  expect(within(dialog).getByRole('alert').textContent).toContain('主机密钥已改变')
})

it('leaves what signs in as it is when nobody types it', async () => {
  const server = mockApi({ ...base, 'PATCH /inspect/logins/l-1': { ...login, note: '机房二层', fingerprint: 'x' } })
  const { user } = await open()
  await user.click(await screen.findByText('db01'))
  fill(await screen.findByLabelText('备注'), '机房二层')
  await user.click(screen.getByRole('button', { name: /保\s?存/ }))
  await waitFor(() => expect(server.to('PATCH /inspect/logins/l-1')).toHaveLength(1))
  expect(server.to('PATCH /inspect/logins/l-1')[0]!.body).toEqual({
    host: '10.0.0.8',
    port: 22,
    account: 'taxops',
    jump_id: '',
    note: '机房二层',
    version: 1,
  })
})
