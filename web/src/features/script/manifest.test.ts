import { expect, it } from 'vitest'
import { encodeBody, fromBase64, readBody, toBase64, unixLines } from './bytes'
import { pieces } from './highlight'
import { manifestOf, parseArgs, parseExitCodes, rulesOf, valuesOf, writeArgs, writeExitCodes } from './manifest'
import type { Said } from './types'

it('reads arguments by lines: what belongs together, and what stands only behind a switch', () => {
  const lines = '-w {warn}\n\n  [verbose] -v  --long\n--host={host}'
  const args = parseArgs(lines)
  expect(args).toEqual([
    { parts: ['-w', '{warn}'] },
    { parts: ['-v', '--long'], when: 'verbose' },
    { parts: ['--host={host}'] },
  ])
  expect(parseArgs(writeArgs(args))).toEqual(args)
})

it('reads exit codes and leaves out what cannot be read', () => {
  const codes = parseExitCodes('1=warning，2=CRITICAL, x=OK 3=NONE 4=')
  expect(codes).toEqual([
    { code: 1, state: 'WARNING' },
    { code: 2, state: 'CRITICAL' },
    { code: 3, state: 'none' },
  ])
  expect(writeExitCodes(codes)).toBe('1=WARNING, 2=CRITICAL, 3=none')
})

it('sends of a rule what its kind has, whatever was typed before its kind changed', () => {
  const rules = rulesOf({
    rules: [
      { name: ' 使用率 ', kind: 'column', column: '使用率', pattern: '', state: 'OK', warn: '80', crit: '' },
      { name: '失败', kind: 'text', pattern: 'ORA-', state: 'CRITICAL', column: 'left over', warn: '1' },
    ],
  }).rules
  expect(JSON.parse(JSON.stringify(rules))).toEqual([
    { name: '使用率', kind: 'column', column: '使用率', warn: '80' },
    { name: '失败', kind: 'text', pattern: 'ORA-', state: 'CRITICAL' },
  ])
})

it('gives a manifest back as it came', () => {
  const manifest = {
    interpreter: 'bash',
    judge: 'rules' as const,
    timeout_seconds: 60,
    params: [{ name: 'tier', title: '级别', type: 'choice' as const, choices: ['a', 'b'], default: 'a' }],
    args: [{ parts: ['{tier}'] }],
    rules: { rules: [{ name: 'n', kind: 'number' as const, pattern: '(\\d+)', crit: '5' }], otherwise: 'OK' },
  }
  expect(JSON.parse(JSON.stringify(manifestOf(valuesOf(manifest))))).toEqual(manifest)
})

it('keeps a script in another encoding byte for byte until it is changed', () => {
  const gb = new Uint8Array([0xc4, 0xe3, 0xba, 0xc3, 0x0a])
  const body = readBody(gb)
  expect(body.text).toBe('你好\n')
  expect(fromBase64(encodeBody(body))).toEqual(gb)
  expect(new TextDecoder().decode(fromBase64(encodeBody({ text: body.text })))).toBe('你好\n')
  const long = new Uint8Array(100_000).fill(255)
  expect(fromBase64(toBase64(long))).toEqual(long)
  expect(unixLines('a\r\nb\rc')).toBe('a\nb\nc')
})

it('cuts the output where matches begin and end, the gravest on top', () => {
  const said = (name: string, matches: Said['matches']): Said => ({ name, state: 'OK', skipped: false, matches })
  const got = pieces('USERS 96%', [
    said('row', [{ start: 0, end: 9, state: 'OK' }]),
    said('used', [{ start: 6, end: 8, state: 'CRITICAL' }]),
  ])
  expect(got).toEqual([
    { text: 'USERS ', state: 'OK', rules: ['row'] },
    { text: '96', state: 'CRITICAL', rules: ['row', 'used'] },
    { text: '%', state: 'OK', rules: ['row'] },
  ])
  expect(pieces('', [])).toEqual([])
  expect(pieces('plain', [])).toEqual([{ text: 'plain' }])
})
