/** Calls the API as the signed-in person of a page; for what a test needs but is not about. */
export async function call(page, method, path, body) {
  const answer = await page.evaluate(
    async ([verb, where, content]) => {
      const response = await fetch('/api/v1' + where, {
        method: verb,
        headers: content ? { 'Content-Type': 'application/json' } : {},
        body: content ? JSON.stringify(content) : undefined,
      })
      const text = await response.text()
      return { status: response.status, text }
    },
    [method, path, body],
  )
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
  return answer.text ? JSON.parse(answer.text) : undefined
}

/** Asks until the answer satisfies. */
export async function until(page, path, satisfied, { seconds = 120 } = {}) {
  const last = Date.now() + seconds * 1000
  for (;;) {
    const answer = await call(page, 'GET', path)
    if (satisfied(answer)) return answer
    if (Date.now() > last) throw new Error(`${path} did not come to what was awaited: ${JSON.stringify(answer).slice(0, 500)}`)
    await new Promise((done) => setTimeout(done, 100))
  }
}

/** Runs the first plan now and waits until the round is over. */
export async function runRound(page) {
  await until(page, '/inspect/rounds?state=running&limit=1', (list) => list.items.length === 0)
  const plan = (await call(page, 'GET', '/inspect/plans')).items[0]
  const round = await call(page, 'POST', `/inspect/plans/${plan.id}/run`)
  return until(page, `/inspect/rounds/${round.id}`, (now) => now.state === 'finished')
}

/** Adds a TCP check of a loopback port to the machine of the server. */
export async function addTcpCheck(page, port) {
  const asset = (await call(page, 'GET', '/fleet/assets?reach=local')).items[0]
  return call(page, 'POST', '/inspect/checks', {
    asset_id: asset.id,
    kind: 'service.tcp',
    params: { host: '127.0.0.1', port },
  })
}
