/// <reference lib="webworker" />
declare const self: ServiceWorkerGlobalScope
declare const __PRECACHE__: string[]

const files = __PRECACHE__
const cacheName = 'app'

// All or nothing: a page whose parts come from two versions is worse than an old page.
self.addEventListener('install', (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(cacheName)
    await cache.addAll(files.map((file) => new Request(file, { cache: 'no-cache' })))
    await self.skipWaiting()
  })())
})

self.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(cacheName)
    for (const request of await cache.keys()) {
      if (!files.includes(new URL(request.url).pathname)) await cache.delete(request)
    }
    await self.clients.claim()
  })())
})

// The page itself comes from the network while there is one. Its parts carry a hash of their content in their name, so a kept one
// is always right. Everything else, the API above all, is none of the worker's business.
self.addEventListener('fetch', (event) => {
  const { request } = event
  const { origin, pathname } = new URL(request.url)
  if (request.method !== 'GET' || origin !== location.origin || !files.includes(pathname)) return
  event.respondWith(pathname.startsWith('/assets/')
    ? kept(pathname).then((response) => response ?? fetch(request))
    : fetch(request).catch(async () => await kept(pathname) ?? Response.error()))
})

function kept (pathname: string): Promise<Response | undefined> {
  return caches.match(pathname)
}

export {}
