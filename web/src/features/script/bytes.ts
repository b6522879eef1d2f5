/** A script is bytes: old ones are in GB18030, and what was written must be what runs. */
export interface Body {
  /** For people. */
  text: string
  /** What a file held that is not UTF-8; it runs as it is until somebody changes the text. */
  raw?: Uint8Array
}

export function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000))
  }
  return btoa(text)
}

export function fromBase64(text: string): Uint8Array {
  const raw = atob(text)
  const bytes = new Uint8Array(raw.length)
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i)
  return bytes
}

export function readBody(bytes: Uint8Array): Body {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch {
    return { text: new TextDecoder('gb18030').decode(bytes), raw: bytes }
  }
}

export const encodeBody = (body: Body): string => toBase64(body.raw ?? new TextEncoder().encode(body.text))

/** Windows line ends make a shell look for "sh\r". */
export const unixLines = (text: string): string => text.replace(/\r\n?/g, '\n')
