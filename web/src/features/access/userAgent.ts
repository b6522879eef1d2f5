const browsers: [RegExp, string][] = [
  [/QIHU|360SE|360EE|360ENT/i, '360'],
  [/Qaxbrowser/i, '奇安信可信浏览器'],
  [/UOSBrowser|UOS Professional/i, 'UOS 浏览器'],
  [/Edg\/(\d+)/, 'Edge'],
  [/Firefox\/(\d+)/, 'Firefox'],
  [/Chrome\/(\d+)/, 'Chrome'],
  [/Version\/(\d+).*Safari/, 'Safari'],
  [/curl\/([\d.]+)/, 'curl'],
  [/Go-http-client/, 'Go'],
]

const systems: [RegExp, string][] = [
  [/Windows NT 10/, 'Windows 10/11'],
  [/Windows NT 6\.1/, 'Windows 7'],
  [/Windows/, 'Windows'],
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Mac OS X/, 'macOS'],
  [/Linux/, 'Linux'],
]

/** "Chrome 120 · Windows 10/11": enough to tell one's own computer from another's. */
export function describeAgent(agent: string): string {
  const browser = browsers.find(([pattern]) => pattern.test(agent))
  const version = browser && browser[0].exec(agent)?.[1]
  const system = systems.find(([pattern]) => pattern.test(agent))
  return [browser && [browser[1], version].filter(Boolean).join(' '), system?.[1]].filter(Boolean).join(' · ')
}
