import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// The bureau's browsers (360, 奇安信) go down to Chromium 86.
const browserBaseline = 'chrome86'

export default defineConfig({
  base: '/',
  plugins: [react()],
  resolve: { alias: { '@': `${import.meta.dirname}/src` } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: browserBaseline,
    cssTarget: browserBaseline,
    chunkSizeWarningLimit: 1100,
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
