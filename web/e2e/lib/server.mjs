import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** The program under test; the build leaves it in bin/. */
export const bin = resolve(process.env.BIN ?? join(import.meta.dirname, '../../../bin/taxops'))

/** Listens on a free loopback port and says which. */
export function listen(server, port = 0) {
  return new Promise((done, fail) => {
    server.once('error', fail)
    server.listen(port, '127.0.0.1', () => done(server.address().port))
  })
}

export async function freePort() {
  const server = createServer()
  const port = await listen(server)
  await new Promise((done) => server.close(done))
  return port
}

/**
 * Starts the program on an empty data directory and waits until it printed its set-up link, which is the last
 * thing it does when it starts. `stop` ends it and removes the directory.
 */
export async function startServer() {
  const data = await mkdtemp(join(tmpdir(), 'taxops-e2e-'))
  const port = await freePort()
  const child = spawn(bin, ['serve', '--data', data, '--listen', `127.0.0.1:${port}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let log = ''
  const ended = new Promise((done) => child.once('exit', (code, signal) => done({ code, signal })))
  child.stderr.on('data', (chunk) => {
    log = (log + chunk).slice(-20_000)
  })
  const setupLink = await new Promise((done, fail) => {
    child.stdout.on('data', (chunk) => {
      out += chunk
      const link = /set-up\s+(\S+\/setup#token=\S+)\s/.exec(out)?.[1]
      if (link) done(link)
    })
    child.once('error', fail)
    void ended.then(({ code, signal }) => fail(new Error(`taxops ended early (${code ?? signal}):\n${out}${log}`)))
  })
  return {
    url: new URL(setupLink).origin,
    setupLink,
    log: () => log,
    async stop() {
      if (child.exitCode === null) child.kill('SIGTERM')
      await ended
      await rm(data, { recursive: true, force: true })
    },
  }
}
