import { screen, waitFor } from '@testing-library/react'
import { Form, Input } from 'antd'
import { useState } from 'react'
import { expect, it, vi } from 'vitest'
import { ApiError } from '@/shared/api/client'
import { renderPage } from '@/test/render'
import { FormDrawer } from './FormDrawer'
import { ReasonModal } from './ReasonModal'

function Drawer({ onSubmit }: { onSubmit: (values: { name: string }, key: string) => Promise<void> }) {
  const [open, setOpen] = useState(true)
  return (
    <>
      <FormDrawer<{ name: string }>
        open={open}
        title="新建"
        onClose={() => setOpen(false)}
        onSubmit={async (values, key) => {
          await onSubmit(values, key)
          setOpen(false)
        }}
      >
        <Form.Item name="name" label="名称">
          <Input />
        </Form.Item>
      </FormDrawer>
      <span>{open ? '打开' : '已关'}</span>
    </>
  )
}

it('FormDrawer shows field errors at the field and repeats a create under one key', async () => {
  const submit = vi
    .fn<(values: { name: string }, key: string) => Promise<void>>()
    .mockRejectedValueOnce(
      new ApiError({ code: 'invalid', errors: [{ location: 'body.name', message: '名称已被使用' }] }, 422),
    )
    .mockRejectedValueOnce(new ApiError({ code: 'storage_full' }, 503))
    .mockResolvedValueOnce()
  const { user } = await renderPage(() => <Drawer onSubmit={submit} />)
  await user.type(await screen.findByLabelText('名称'), '甲')
  await user.click(screen.getByRole('button', { name: '保存' }))
  await screen.findByText('名称已被使用')
  await user.click(screen.getByRole('button', { name: '保存' }))
  await screen.findByText('服务器存储空间不足，写入已暂停。')
  await user.click(screen.getByRole('button', { name: '保存' }))
  await screen.findByText('已关')
  const keys = submit.mock.calls.map(([, key]) => key)
  expect(keys[0]).not.toBe('')
  expect(new Set(keys).size).toBe(1)
})

it('FormDrawer asks before it throws away what was typed', async () => {
  const { user } = await renderPage(() => <Drawer onSubmit={() => Promise.resolve()} />)
  await user.type(await screen.findByLabelText('名称'), '甲')
  await user.click(screen.getByRole('button', { name: '取消' }))
  await screen.findAllByText('放弃未保存的修改？')
  await user.click(screen.getByRole('button', { name: '继续编辑' }))
  expect(screen.getByText('打开')).toBeTruthy()
  await user.click(screen.getByRole('button', { name: '取消' }))
  await user.click((await screen.findAllByRole('button', { name: '放弃修改' })).at(-1)!)
  await screen.findByText('已关')
})

it('ReasonModal wants a reason and, for what cannot be undone, the word', async () => {
  const done = vi.fn(() => Promise.resolve())
  const { user } = await renderPage(() => (
    <ReasonModal open title="移除" okText="确认移除" confirmWord="chenli" onOk={done} onClose={() => undefined} />
  ))
  await user.click(await screen.findByRole('button', { name: '确认移除' }))
  await screen.findByText('请至少写 4 个字')
  await user.type(screen.getByLabelText('原因'), '  人员离岗  ')
  await user.type(screen.getByLabelText('请输入 chenli 以确认'), 'chen')
  await user.click(screen.getByRole('button', { name: '确认移除' }))
  expect(done).not.toHaveBeenCalled()
  await user.type(screen.getByLabelText('请输入 chenli 以确认'), 'li')
  await user.click(screen.getByRole('button', { name: '确认移除' }))
  await waitFor(() => expect(done).toHaveBeenCalledWith('人员离岗'))
})
