/** The server's rule: twelve characters, or ten of three kinds. */
const plainLength = 12
const mixedLength = 10
const mixedKinds = 3

function kindsOf(password: string): number {
  return [/\p{Ll}/u, /\p{Lu}/u, /\p{Nd}/u, /[^\p{Ll}\p{Lu}\p{Nd}]/u].filter((kind) => kind.test(password)).length
}

export function longEnough(password: string): boolean {
  const length = Array.from(password).length
  return length >= plainLength || (length >= mixedLength && kindsOf(password) >= mixedKinds)
}

export interface Strength {
  /** 0: not acceptable, 1 weak … 4 strong. */
  score: 0 | 1 | 2 | 3 | 4
  /** What would help, a key under access:strength. */
  hint?: 'length' | 'login' | 'repeat' | 'sequence' | 'common' | 'variety' | 'digits'
}

const common =
  /password|passw0rd|admin|root|qwerty|welcome|taxops|guangxi|abc123|iloveyou|letmein|123456|111111|888888|666666/i
const rows = ['abcdefghijklmnopqrstuvwxyz', '01234567890', 'qwertyuiop', 'asdfghjkl', 'zxcvbnm']

/** How many characters belong to runs such as "abcd", "4321" or "qwer". */
function inSequences(text: string): number {
  const lower = text.toLowerCase()
  let count = 0
  for (let i = 0; i + 4 <= lower.length; i++) {
    const part = lower.slice(i, i + 4)
    const reversed = Array.from(part).reverse().join('')
    if (rows.some((row) => row.includes(part) || row.includes(reversed))) {
      count += 4
      i += 3
    }
  }
  return count
}

/**
 * Advice while somebody types; the server decides. Length counts most, and what is easy to guess (the login, runs,
 * repeats, well-known words) counts against it.
 */
export function strengthOf(password: string, login = ''): Strength {
  const length = Array.from(password).length
  if (!longEnough(password)) return { score: 0, hint: 'length' }
  if (login.length >= 3 && password.toLowerCase().includes(login.toLowerCase())) return { score: 1, hint: 'login' }
  const distinct = new Set(password).size
  if (distinct < 6) return { score: 1, hint: 'repeat' }
  if (inSequences(password) * 2 > length) return { score: 1, hint: 'sequence' }
  if (common.test(password) && length < 20) return { score: 1, hint: 'common' }
  const kinds = kindsOf(password)
  if (/^\d+$/.test(password)) return { score: 1, hint: 'digits' }
  const points = length + kinds * 2 + Math.min(distinct, 16) / 2
  if (points < 22) return { score: 2, hint: kinds < 2 ? 'variety' : undefined }
  return { score: points < 30 ? 3 : 4 }
}
