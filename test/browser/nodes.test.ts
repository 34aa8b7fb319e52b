import { test } from 'tap'
import { startBalancer } from '../fixtures/balancer.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { noRedis, startRedis } from '../fixtures/redis.ts'
import { startApp } from './fixtures/app.ts'
import { launch, noBrowser } from './fixtures/chromium.ts'
import { agreement, Person } from './fixtures/person.ts'

test('three nodes behind a load balancer', { skip: noBrowser || noRedis }, async (t) => {
  const { connectionString } = await createDatabase(t, { migrated: false })
  const redis = await startRedis(t)
  const settings = { DATABASE_URL: connectionString, REDIS_URL: redis.url }
  const nodes = await Promise.all([1, 2, 3].map(async () => await startApp(t, settings)))
  const { host } = await startBalancer(t, nodes)
  const browser = await launch()
  t.teardown(() => browser.close())

  const ana = await Person.arrives(browser, 'Ana Meyer')
  const ben = await Person.arrives(browser, 'Ben Okafor')
  await ana.newDocument(`http://${host}`)
  await ana.write('Ana begins. ')
  await ben.open(await ana.invite('Can edit'))
  await ben.reads('Ana begins.')
  await ben.isLive()

  let typed = 0
  for (const node of nodes.slice(1)) {
    // Each key by itself, so that the node dies between two of them.
    const typing = [ana, ben].map(async (person) => {
      await person.moveTo(person === ana ? 'start' : 'end')
      await person.page.keyboard.type(`${person.name} writes on, ${++typed}. `, { delay: 20 })
    })
    await node.stop('SIGKILL')
    await Promise.all(typing)
    for (const person of [ana, ben]) await person.isLive()
    for (const [reader, text] of [[ana, 'Ben Okafor writes on, '], [ben, 'Ana Meyer writes on, ']] as const) await reader.reads(text)
    await Promise.all([ana, ben].map((person) => person.page.getByText('All changes are saved.').waitFor({ state: 'attached' })))
  }
  const text = await agreement(ana, ben)
  for (const person of [ana, ben]) t.equal(text.split(`${person.name} writes on, `).length, 3, `all that ${person.name} wrote, once`)
  t.match(text, 'Ana begins.')
})
