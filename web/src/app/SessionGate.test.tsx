import { screen, waitFor } from '@testing-library/react'
import { Button } from 'antd'
import { useState } from 'react'
import { expect, it } from 'vitest'
import { api } from '@/shared/api/client'
import { me, mockApi, noContent, problem } from '@/test/api'
import { renderPage } from '@/test/render'

function Act() {
  const [text, setText] = useState('未执行')
  return (
    <>
      <input aria-label="草稿" defaultValue="" />
      <span>{text}</span>
      <Button
        onClick={() =>
          api.post('/act').then(
            () => setText('已执行'),
            (e: Error) => setText(e.message),
          )
        }
      >
        执行
      </Button>
    </>
  )
}

it('asks for the password before a protected act and then goes on by itself', async () => {
  let fresh = false
  const server = mockApi({
    'GET /me': me,
    'POST /act': () => (fresh ? noContent() : problem(403, 'fresh_sign_in_required')),
    'POST /access/reauthenticate': ({ body }) => {
      if ((body as { password: string }).password !== 'right') return problem(401, 'bad_credentials')
      fresh = true
      return noContent()
    },
  })
  const { user } = await renderPage(Act, { me })
  await user.click(await screen.findByRole('button', { name: '执行' }))
  await user.type(await screen.findByLabelText('密码'), 'wrong')
  await user.click(screen.getByRole('button', { name: '确认身份' }))
  await screen.findByText('账号或密码不正确。')
  await user.clear(screen.getByLabelText('密码'))
  await user.type(screen.getByLabelText('密码'), 'right')
  await user.click(screen.getByRole('button', { name: '确认身份' }))
  await screen.findByText('已执行')
  expect(server.to('POST /act')).toHaveLength(2)
})

it('covers the page when the session is gone and gives it back as it was', async () => {
  let signedIn = false
  mockApi({
    'GET /me': me,
    'POST /act': () => (signedIn ? noContent() : problem(401, 'session_idle')),
    'POST /access/sign-in': ({ body }) => {
      const { password, totp } = body as { password: string; totp?: string }
      if (password !== 'right') return problem(401, 'bad_credentials')
      if (!totp) return problem(401, 'totp_required')
      signedIn = true
      return me
    },
  })
  const { user } = await renderPage(Act, { me })
  await user.type(await screen.findByLabelText('草稿'), '写到一半')
  await user.click(screen.getByRole('button', { name: '执行' }))
  await screen.findByText('已锁定')
  await user.type(screen.getByLabelText('密码'), 'right')
  await user.click(screen.getByRole('button', { name: '继续' }))
  await user.type(await screen.findByLabelText('动态口令'), '123456')
  await user.click(screen.getByRole('button', { name: '继续' }))
  await waitFor(() => expect(screen.queryByText('已锁定')).toBeNull())
  expect((screen.getByLabelText('草稿') as HTMLInputElement).value).toBe('写到一半')
})
