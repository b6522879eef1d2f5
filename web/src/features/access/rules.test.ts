import { describe, expect, it } from 'vitest'
import type { Role } from '@/shared/api/types'
import { conflicts, excludes } from './duties'
import { strengthOf } from './password'
import { describeAgent } from './userAgent'

const role = (name: string, ...others: string[]): Role => ({
  role: name,
  title_zh: name,
  title_en: name,
  permissions: [],
  excludes: others,
})
const roles = [
  role('system_admin', 'security_admin', 'auditor'),
  role('security_admin', 'auditor'),
  role('auditor'),
  role('engineer'),
]

describe('duties', () => {
  it('exclude in both directions', () => {
    expect(excludes('auditor', 'system_admin', roles)).toBe(true)
    expect(excludes('engineer', 'auditor', roles)).toBe(false)
    expect(excludes('auditor', 'auditor', roles)).toBe(false)
  })

  it('list each clashing pair once', () => {
    const grants = ['system_admin', 'auditor', 'engineer', 'auditor', ''].map((name) => ({ role: name }))
    expect(conflicts(grants, roles)).toEqual([['system_admin', 'auditor']])
  })
})

describe('password strength', () => {
  it.each([
    ['Short1!', 0, 'length'],
    ['aaaaaaaaaaaaaa', 1, 'repeat'],
    ['abcdefghijklmn', 1, 'sequence'],
    ['Chenli-2026-xx', 1, 'login'],
    ['Password2026!!', 1, 'common'],
  ])('%s is weak', (password, score, hint) => {
    expect(strengthOf(password, 'chenli')).toEqual({ score, hint })
  })

  it('likes long sentences, also in Chinese', () => {
    expect(strengthOf('漓江烟雨里有一条慢慢走的竹筏子').score).toBeGreaterThanOrEqual(2)
    expect(strengthOf('correct-Horse 7 battery staple').score).toBe(4)
  })
})

it('describes browsers by name and system', () => {
  expect(describeAgent('Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36')).toBe(
    'Chrome 120 · Windows 10/11',
  )
  expect(describeAgent('curl/8.5.0')).toBe('curl 8.5.0')
  expect(describeAgent('')).toBe('')
})
