import react from '@vitejs/plugin-react'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { constants, gzipSync } from 'node:zlib'
import { defineConfig, type Plugin } from 'vite'

// The bureau's browsers (360, 奇安信) go down to Chromium 86.
const browserBaseline = 'chrome86'

/**
 * Few files, cut by when they are needed: what every page begins with, libraries and our own code apart since they
 * change at different times; then one file a feature; the components that only some pages use; the charts. A group
 * takes what no group before it took.
 */
const groups = [
  { name: 'react', test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/, tags: ['$initial' as const] },
  { name: 'base', test: /node_modules[\\/]/, tags: ['$initial' as const] },
  { name: 'app', tags: ['$initial' as const] },
  { name: 'charts', test: /node_modules[\\/](echarts|zrender)[\\/]/ },
  { name: 'ui', test: /node_modules[\\/]/ },
  { name: 'shared', test: /[\\/]src[\\/]shared[\\/](?!ui[\\/]echarts)/ },
  {
    name: 'entry',
    test: /[\\/]features[\\/]access[\\/](SetupPage|SignInPage|InvitePage|components[\\/](PublicFrame|NewPassword))/,
  },
  { debugName: 'features', name: (id: string) => /[\\/]features[\\/](\w+)[\\/]/.exec(id)?.[1] ?? null },
]

/** Lays a packed copy beside each file that becomes smaller by it, so that the server packs nothing while people wait. */
const packed = (): Plugin => ({
  name: 'packed',
  apply: 'build',
  writeBundle(options, bundle) {
    for (const name of Object.keys(bundle)) {
      const file = join(options.dir!, name)
      const plain = readFileSync(file)
      const small = gzipSync(plain, { level: constants.Z_BEST_COMPRESSION })
      if (plain.length > 1024 && small.length < 0.9 * plain.length) writeFileSync(`${file}.gz`, small)
    }
  },
})

export default defineConfig({
  base: '/',
  plugins: [react(), packed()],
  resolve: { alias: { '@': `${import.meta.dirname}/src` } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: browserBaseline,
    cssTarget: browserBaseline,
    chunkSizeWarningLimit: 1100,
    rolldownOptions: { output: { codeSplitting: { groups } } },
  },
  server: {
    host: '127.0.0.1',
    port: 5173,
    proxy: {
      '/api': 'http://127.0.0.1:8480',
      '/openapi.json': 'http://127.0.0.1:8480',
    },
  },
})
