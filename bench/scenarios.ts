import { chain } from './scenarios/chain.ts'
import { idle } from './scenarios/idle.ts'
import { loads } from './scenarios/loads.ts'
import { relay } from './scenarios/relay.ts'
import type { Described, Scenario, Size } from './scenarios/scenario.ts'
import { snapshots } from './scenarios/snapshots.ts'
import { updates } from './scenarios/updates.ts'
import { compared, flat, memory, type Target } from './targets.ts'

const nearLimit = compared('rate', 'limit', { atLeast: 0.6 })
const relayOfUpdates = compared('cpu', 'limit', { atMost: 0.8 })
const relayOfEphemeralMessages = compared('cpu', 'limit', { atMost: 1.1 })

export function scenarios (size: Size): Scenario[] {
  return [
    updates(size, is('writer', 'One writer, waits for each answer', compared('p50', 'peer', { atMost: 1 / 3 })), { count: 1500 }),
    updates(size, is('writer-8', 'One writer, pipelines 8', compared('rate', 'peer', { atLeast: 300 }), nearLimit), { window: 8 }),
    updates(size, is('writer-64', 'One writer, pipelines 64', nearLimit), { window: 64 }),
    updates(size, is('writers', '8 writers of one document, each waits'), { writers: 8 }),
    updates(size, is('documents-16', '16 documents, each writer waits'), { documents: 16 }),
    updates(size, is('documents-16-8', '16 documents, each writer pipelines 8', compared('rate', 'peer', { atLeast: 40 }), nearLimit),
      { documents: 16, window: 8 }),
    updates(size, is('documents-200-8', '200 documents, each writer pipelines 8', nearLimit), { documents: 200, window: 8 }),
    updates(size, is('among-1000', '16 of 1,000 open documents, pipelining 8', flat('cpu', 'documents-16-8', 1.2)),
      { documents: 16, window: 8, idle: 984 }),
    chain(size, is('chain', 'One writer, waits, 10,000 snapshots stored', flat('cpu', 'writer', 1.2)), { snapshots: 10_000, count: 1500 }),

    relay(size, is('updates-200', 'Updates to 200 readers', relayOfUpdates), { readers: 200, kind: 'updates', window: 64, count: 500 }),
    relay(size, is('updates-1000', 'Updates to 1,000 readers', relayOfUpdates), { readers: 1000, kind: 'updates', window: 64, count: 150 }),
    relay(size, is('ephemeral-200', 'Ephemeral messages to 200 readers', relayOfEphemeralMessages),
      { readers: 200, kind: 'ephemeral messages', window: 8, count: 500 }),
    relay(size, is('ephemeral-1000', 'Ephemeral messages to 1,000 readers', relayOfEphemeralMessages),
      { readers: 1000, kind: 'ephemeral messages', window: 8, count: 150 }),

    loads(size, is('load-1000', 'Load of 1,000 updates', compared('cpu', 'limit', { atMost: 1.3 }), compared('p50', 'peer', { atMost: 1 / 5 })),
      { stored: 1000, count: 200 }),
    loads(size, is('load-cold', 'Load of 1,000 updates, for the first time'), { stored: 1000, copies: 60, count: 100 }),
    loads(size, is('load-10000', 'Load of 10,000 updates'), { stored: 10_000, count: 20 }),
    loads(size, is('delta-1000', 'Load of 10 missing ones of 1,000'), { stored: 1000, missing: 10, count: 400 }),
    loads(size, is('delta-10000', 'Load of 10 missing ones of 10,000', flat('cpu', 'delta-1000', 1.2)),
      { stored: 10_000, missing: 10, count: 400 }),
    loads(size, is('storm', '1,000 reconnects at once'), { stored: 100, missing: 10, count: 1000, atOnce: Infinity }),
    snapshots(size, is('snapshot-1mb', 'Snapshots of 1 MB'), { bytes: 1_000_000, count: 8 }),
    idle(size, is('idle', '10,000 idle connections', memory(12_000)), { count: 10_000 })
  ]
}

function is (name: string, title: string, ...targets: Target[]): Described {
  return { name, title, targets }
}
