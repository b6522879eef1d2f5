import { screen, waitFor, within } from '@testing-library/react'
import { expect, it } from 'vitest'
import { fill, me, mockApi, pageOf, problem } from '@/test/api'
import { renderApp } from '@/test/render'
import { fromBase64, toBase64 } from './bytes'
import { routes } from './routes'
import type { Judgement, Script, Tried, VersionDetail } from './types'

const engineer = {
  ...me,
  permissions: ['journal.read', 'fleet.read', 'inspect.read', 'inspect.run', 'inspect.manage'],
}

const script: Script = {
  id: 's-1',
  name: 'tablespace',
  title: '表空间使用率',
  class: 'instance',
  area_path: '/45/',
  system_id: '',
  latest: 1,
  current: 1,
  draft_id: '',
  created_at: '2026-11-24T00:00:00Z',
  updated_at: '2026-11-24T00:00:00Z',
}

const released: VersionDetail = {
  id: 'v-1',
  package_id: 's-1',
  number: 1,
  state: 'released',
  manifest: {
    interpreter: 'sh',
    judge: 'rules',
    timeout_seconds: 30,
    params: [
      { name: 'sid', title: '实例', type: 'string', required: true },
      { name: 'password', title: '口令', type: 'string', secret: true },
    ],
    args: [{ parts: ['{sid}'] }],
    rules: { rules: [{ name: '使用率', kind: 'column', column: '使用率', warn: '80', crit: '90' }] },
  },
  body_sha256: 'b'.repeat(64),
  sha256: 'a'.repeat(64),
  note: '',
  created_by: { id: 'a-1', display_name: '陈立' },
  created_at: '2026-11-24T00:00:00Z',
  released_by: { id: 'a-1', display_name: '陈立' },
  released_at: '2026-11-24T01:00:00Z',
  version: 2,
  body: toBase64(new TextEncoder().encode('echo 1\n')),
}

const judgement: Judgement = {
  text: 'T  使用率\nA  96%\n',
  encoding: 'utf-8',
  rules: [
    {
      name: '使用率',
      state: 'CRITICAL',
      skipped: false,
      matches: [{ start: 10, end: 13, state: 'CRITICAL', value: 96 }],
    },
  ],
  exit_code: 'none',
  decided: 'rules',
  state: 'CRITICAL',
  reason: 'threshold',
  summary: '使用率 A 96%（严重阈值 >90%）',
  perfdata: [],
}

const tried: Tried = {
  ended: 'exit',
  exit: 0,
  signal: 0,
  duration_ms: 12,
  cpu_ms: 3,
  max_rss: 1 << 20,
  survivors: 0,
  stdout: judgement.text,
  stderr: '',
  stdout_cut: false,
  stderr_cut: false,
  encoding: 'utf-8',
  state: 'CRITICAL',
  reason: 'threshold',
  summary: judgement.summary,
  details: '',
  perfdata: [],
  judgement,
  runs_as: 'taxops-check',
  isolated: true,
}

const base = {
  'GET /org/areas': { items: [] },
  'GET /org/systems': { items: [] },
  'GET /inspect/scripts': pageOf([script]),
  'GET /inspect/scripts/s-1': { ...script, versions: [released] },
  'GET /inspect/script-versions/v-1': released,
  'GET /inspect/plugins': { items: [{ path: '/usr/lib/nagios/plugins/check_disk', name: 'check_disk' }] },
  'GET /fleet/assets': pageOf([{ id: 'as-1', number: 'AST-2026-0001', name: 'host-1', state: 'active' }]),
  'POST /inspect/scripts/judge': judgement,
  'POST /inspect/scripts/try': tried,
}

const open = (path: string) => renderApp({ path, me: engineer, routes })

it('runs a new script and marks in its output what the rules found', async () => {
  const server = mockApi(base)
  const { user } = await open('/inspect/scripts/new')
  await user.click(await screen.findByRole('button', { name: /表格列/ }))
  fill(screen.getByLabelText('列标题'), '使用率')
  await user.click(screen.getByRole('button', { name: /运\s?行$/ }))
  const mark = await screen.findByText('96%')
  expect(mark.className).toContain('found-critical')
  expect(mark.getAttribute('title')).toBe('使用率')
  const sent = server.to('POST /inspect/scripts/try')[0]!.body as { body: string; manifest: { rules: unknown } }
  expect(new TextDecoder().decode(fromBase64(sent.body))).toContain('df -hP')
  expect(sent.manifest.rules).toMatchObject({ rules: [{ kind: 'column', column: '使用率' }] })
  // The rules go on being applied to the same output while they are written.
  fill(screen.getByLabelText('警告范围'), '80')
  await waitFor(() => {
    const judged = server.to('POST /inspect/scripts/judge').at(-1)!.body as { rules: unknown; text: string }
    expect(judged).toMatchObject({ text: judgement.text, rules: { rules: [{ warn: '80' }] } })
  })
})

it('saves a draft and says at its field what the server refuses', async () => {
  const server = mockApi({
    ...base,
    'POST /inspect/scripts': problem(422, 'invalid', {
      errors: [{ location: 'body.name', code: 'taken', message: 'there is a script of this name' }],
    }),
  })
  const { user } = await open('/inspect/scripts/new')
  fill(await screen.findByLabelText('名称'), '表空间')
  fill(screen.getByLabelText('代号'), 'tablespace')
  await user.click(screen.getByRole('button', { name: '保存草稿' }))
  await waitFor(() => expect(document.getElementById('name_help')?.textContent).toBeTruthy())
  expect(server.to('POST /inspect/scripts')[0]!.headers['Idempotency-Key']).toBeTruthy()
})

it('makes a check from a released version, its secret apart from its other values', async () => {
  const server = mockApi({ ...base, 'POST /inspect/checks': { id: 'c-1' } })
  const { user } = await open('/inspect/scripts/s-1')
  await user.click(await screen.findByRole('button', { name: /添加检查项/ }))
  const dialog = await screen.findByRole('dialog')
  await user.click(within(dialog).getByLabelText('资产'))
  await user.click(await screen.findByText('host-1'))
  fill(within(dialog).getByLabelText(/实例/), 'TAX')
  fill(within(dialog).getByLabelText(/口令/), 'four')
  await user.click(within(dialog).getByRole('button', { name: '添加检查项' }))
  await waitFor(() => expect(server.to('POST /inspect/checks')).toHaveLength(1))
  expect(server.to('POST /inspect/checks')[0]!.body).toEqual({
    asset_id: 'as-1',
    kind: 'script.run',
    params: {
      package: 'tablespace',
      version: 1,
      class: 'instance',
      title: '表空间使用率',
      args: ['sid=TAX'],
      secrets: 'password=four',
    },
  })
})

it('makes a check from an installed plug-in, one argument a line', async () => {
  const server = mockApi({ ...base, 'POST /inspect/checks': { id: 'c-1' } })
  const { user } = await open('/inspect/scripts?plugin=1')
  const dialog = await screen.findByRole('dialog')
  expect(await within(dialog).findByText('本机可用 1 个')).toBeTruthy()
  await user.click(within(dialog).getByLabelText('资产'))
  await user.click(await screen.findByText('host-1'))
  fill(within(dialog).getByLabelText('插件'), '/usr/lib/nagios/plugins/check_load')
  fill(within(dialog).getByLabelText('参数'), '-w\n5,5,5\n')
  await user.click(within(dialog).getByRole('button', { name: '添加检查项' }))
  await waitFor(() => expect(server.to('POST /inspect/checks')).toHaveLength(1))
  expect(server.to('POST /inspect/checks')[0]!.body).toMatchObject({
    kind: 'plugin.command',
    params: { command: '/usr/lib/nagios/plugins/check_load', args: ['-w', '5,5,5'], timeout_seconds: 30 },
  })
})
