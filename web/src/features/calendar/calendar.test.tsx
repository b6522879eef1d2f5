import { screen, waitFor, within } from '@testing-library/react'
import { expect, it } from 'vitest'
import { fill, me, mockApi } from '@/test/api'
import { renderApp } from '@/test/render'
import type { Day, Year } from './queries'
import { routes } from './routes'

const keeper = { ...me, permissions: ['calendar.read', 'calendar.manage'] }
const open = (path: string) => renderApp({ path, me: keeper, routes })

const day = (date: string, more: Partial<Day> = {}): Day => ({
  date,
  kind: 'workday',
  name: '',
  layer: '' as Day['layer'],
  provisional: false,
  periods: [],
  ...more,
})

const year = (more: Partial<Year> = {}): Year => ({
  year: 2026,
  known: true,
  published: true,
  workdays: 247,
  makeups: 6,
  days: [
    day('2026-01-01', { kind: 'off', name: '元旦', layer: 'national', periods: ['filing_major', 'holiday'] }),
    day('2026-01-02', { kind: 'off', name: '元旦', layer: 'national' }),
    day('2026-01-03', { kind: 'off' }),
    day('2026-01-04', { kind: 'makeup', name: '元旦', layer: 'national' }),
  ],
  lists: [],
  periods: [],
  ...more,
})

const status = {
  today: day('2026-11-24'),
  missing: [],
  awaited: 2027,
  periods: [],
  hours: '09:00-12:00,13:00-18:00',
  first_year: 2016,
  last_year: 2026,
}

it('tells each day in words, not by colour alone', async () => {
  mockApi({ 'GET /calendar/status': status, 'GET /calendar/years/2026': year() })
  await open('/calendar?year=2026')
  await screen.findByText('2026-01-01，放假，元旦，大征期，节假日')
  expect(screen.getByText('2026-01-03，周末')).toBeTruthy()
  expect(screen.getByText('2026-01-04，补班，元旦')).toBeTruthy()
})

it('is loud about a year without a list', async () => {
  mockApi({
    'GET /calendar/status': { ...status, missing: [2027], awaited: 0 },
    'GET /calendar/years/2027': year({
      year: 2027,
      known: false,
      published: false,
      days: [day('2027-01-04', { kind: 'unpublished', provisional: true })],
    }),
  })
  await open('/calendar?year=2027')
  await screen.findByText('2027 年放假安排尚未公布或未导入')
  expect(screen.getByText('2027-01-04，未公布，暂定')).toBeTruthy()
})

it('shows what was understood before anything is imported', async () => {
  const server = mockApi({
    'GET /calendar/status': status,
    'GET /calendar/years/2026': year(),
    'GET /calendar/years/2027': year({ year: 2027 }),
    'POST /calendar/lists/preview': {
      days: [{ date: '2027-01-01', kind: 'off', name: '元旦' }],
      bad: [{ line: 2, code: 'not_a_day', text: '2027-13-01,休' }],
    },
    'POST /calendar/lists': year({ year: 2027 }),
  })
  const { user } = await open('/calendar?year=2026')
  await user.click(await screen.findByRole('button', { name: /导\s*入/ }))
  const form = await screen.findByRole('dialog')
  fill(within(form).getByLabelText('依据文件'), '国办发明电〔2026〕9号')
  fill(within(form).getAllByLabelText('内容').at(-1)!, '2027-01-01,休,元旦\n2027-13-01,休')
  await screen.findByText('1 行无法识别，修正后才能导入')
  expect(screen.getByText('已识别 1 条')).toBeTruthy()
  await user.click(within(form).getByRole('button', { name: /导\s*入/ }))
  await waitFor(() => expect(server.to('POST /calendar/lists')).toHaveLength(1))
  expect(server.to('POST /calendar/lists')[0]!.body).toMatchObject({
    layer: 'national',
    year: 2027,
    source: '国办发明电〔2026〕9号',
  })
})
