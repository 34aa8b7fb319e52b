import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'
import { defineConfig, type Plugin } from 'vite'

/** Service workers: their addresses have to stay. */
const workers = ['service-worker', 'background']

/**
 * The service worker keeps the whole app on the device, so that a document opens, and a page reloads, without a network.
 * The names of the built files are only known here. A new list changes the worker's bytes, which is how a browser sees a new version.
 */
function precacheList (): Plugin {
  return {
    name: 'precache-list',
    apply: 'build',
    generateBundle (_options, bundle) {
      const worker = bundle['service-worker.js']
      if (worker?.type !== 'chunk') throw new Error('The build has no service worker')
      const files = Object.keys(bundle).filter((name) => /\.(js|css)$|-latin-wght-normal-.*\.woff2$/.test(name) && !workers.includes(bundle[name]?.name ?? ''))
      worker.code = worker.code.replace('__PRECACHE__', () => JSON.stringify(['/', '/theme.js', '/icon.svg', '/icon-192.png', '/manifest.webmanifest', ...files.map((name) => `/${name}`)]))
    }
  }
}

/** Compressed once here instead of at each request: the editor alone is 400 kB without. The server hands out what a browser accepts. */
function precompress (): Plugin {
  return {
    name: 'precompress',
    apply: 'build',
    async writeBundle ({ dir = '' }, bundle) {
      const texts = Object.keys(bundle).filter((name) => /\.(js|css|html)$/.test(name))
      await Promise.all(texts.map(async (name) => {
        const content = await readFile(join(dir, name))
        await writeFile(join(dir, `${name}.br`), await promisify(brotliCompress)(content))
        await writeFile(join(dir, `${name}.gz`), await promisify(gzip)(content, { level: 9 }))
      }))
    }
  }
}

export default defineConfig({
  root: `${import.meta.dirname}/web`,
  plugins: [precacheList(), precompress()],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: ['chrome123', 'firefox121', 'safari17.5'],
    // Fonts stay files: data: URLs would need a wider Content-Security-Policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      input: {
        app: `${import.meta.dirname}/web/index.html`,
        ...Object.fromEntries(workers.map((name) => [name, `${import.meta.dirname}/web/${name}.ts`]))
      },
      output: {
        entryFileNames: (chunk) => workers.includes(chunk.name) ? '[name].js' : 'assets/[name]-[hash].js',
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules\/(react|react-dom|scheduler)\// }
          ]
        }
      }
    }
  },
  server: {
    proxy: {
      '/api': 'http://127.0.0.1:3000',
      '/documents': { target: 'ws://127.0.0.1:3000', ws: true }
    }
  }
})
